#!/bin/sh
# Installs the project into a prefix of its own and uses it as somebody would who has nothing else: only
# pkg-config says where things are. Holds what the shared libraries export and which languages can
# read the headers.
#     install.sh SOURCE-ROOT
set -eu
source=$1
here=$source/test/user
cc=${CC:-cc}
cxx=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# The compiler may be a list of words.
# shellcheck disable=SC2086
compile() {
    $cc -Wall -Wextra -Werror "$@"
}

# ---- Install
meson setup "$work/build" "$source" --prefix "$prefix" --libdir lib --buildtype release \
    -Dtests=false -Dexamples=false -Dbenches=false >"$work/log" 2>&1 || { cat "$work/log"; fail setup; }
meson install -C "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; fail install; }
for file in lib/libbreaker.a lib/libbreaker.so lib/pkgconfig/libbreaker.pc; do
    [ -e "$prefix/$file" ] || fail "$file is not installed"
done
for header in "$source"/include/*.h "$source"/include/breaker/*.h; do
    name=$(basename "$header" .h)
    case $name in
    redis | curl) # come with a library of their own, where that can be built
        [ -e "$prefix/lib/libbreaker-$name.so" ] || continue
        ;;
    esac
    [ -e "$prefix/${header#"$source"/}" ] || fail "$header is not installed"
done

# ---- Exports
for library in "$prefix"/lib/libbreaker*.so; do
    nm -D --defined-only "$library" | awk '{ print $NF }' >"$work/exports"
    grep -q '^breaker_' "$work/exports" || fail "$library exports nothing"
    if grep -v '^breaker_' "$work/exports"; then
        fail "$library exports names that are not breaker_*"
    fi
done

# ---- Headers: each of those installed, alone, in both languages, without libuv's
(cd "$prefix/include" && find . -name '*.h') >"$work/installed"
while read -r header; do
    # shellcheck disable=SC2086
    $cc -std=c99 -pedantic-errors -Wall -Wextra -Werror -Wstrict-prototypes -I"$prefix/include" \
        -fsyntax-only -x c "$prefix/include/$header" || fail "$header is not strict C99"
    # shellcheck disable=SC2086
    $cxx -std=c++11 -pedantic-errors -Wall -Wextra -Werror -I"$prefix/include" \
        -fsyntax-only -x c++ "$prefix/include/$header" || fail "$header is not C++11"
done <"$work/installed"

# ---- Programs, with the shared library and with the static one
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
ask() {
    pkg-config "$@" libbreaker || fail "pkg-config $*"
}

[ "$(ask --modversion)" = "$(sed -n 's/.*VERSION_STRING "\(.*\)"/\1/p' "$prefix/include/breaker.h")" ] ||
    fail "the versions of the header and of pkg-config differ"

for program in "$here/stranger.c" "$source/examples/ten_lines.c"; do
    # shellcheck disable=SC2046
    compile -o "$work/shared" "$program" $(ask --cflags --libs) || fail "$program, shared"
    LD_LIBRARY_PATH="$prefix/lib" ldd "$work/shared" | grep -q "libbreaker.so.*$prefix" ||
        fail "$program does not use the shared library"
    LD_LIBRARY_PATH="$prefix/lib" "$work/shared" || fail "$program does not run, shared"
done

rm "$prefix"/lib/libbreaker*.so*
for program in "$here/stranger.c" "$source/examples/ten_lines.c"; do
    # shellcheck disable=SC2046
    compile -o "$work/static" "$program" $(ask --static --cflags --libs) || fail "$program, static"
    "$work/static" || fail "$program does not run, static"
done
