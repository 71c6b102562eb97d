#!/bin/sh
# The library on Debian 13, with its hiredis 1.2: a tree made with debootstrap, the sources copied into
# it, built and tested there by chroot. What cannot be made is skipped, and said so (status 77).
#     trixie.sh [MESON_TEST_ARGUMENT...]      default: the suites loop, turn, guards, storage,
#                                           redis, wire, drive, dialects and processes
# TRIXIE_TREE is where the tree is, or will be, kept; TRIXIE_MIRROR where Debian comes from.
set -u
tree=${TRIXIE_TREE:-/var/tmp/libbreaker-trixie}
mirror=${TRIXIE_MIRROR:-http://deb.debian.org/debian}
needs=meson,ninja-build,gcc,libc6-dev,pkg-config,libuv1-dev,libhiredis-dev,libcmocka-dev
needs=$needs,libjansson-dev,redis-server,python3-redis,openssl,ca-certificates,nftables,iproute2
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1

skip() {
    echo "trixie: skipped: $1" >&2
    exit 77
}

[ "$(id -u)" = 0 ] || skip "only root can make a tree and go into it"
command -v debootstrap >/dev/null || skip "no debootstrap (apt-get install debootstrap)"

# ---- The tree, made anew when it lacks what is needed
if [ "$(cat "$tree/made" 2>/dev/null)" != "$needs" ]; then
    if command -v curl >/dev/null; then
        curl -fsS -o /dev/null --max-time 30 "$mirror/dists/trixie/Release" ||
            skip "$mirror cannot be reached"
    fi
    echo "trixie: making $tree from $mirror, which takes some minutes" >&2
    rm -rf "$tree"
    timeout 3600 debootstrap --variant=minbase --include="$needs" trixie "$tree" "$mirror" \
        >"$tree.log" 2>&1 || skip "debootstrap failed: $(tail -n 1 "$tree.log")"
    echo "$needs" >"$tree/made"
fi
chroot "$tree" true || skip "chroot is not allowed here"

# ---- The sources: what git knows, as it lies there
rm -rf "$tree/src"
mkdir "$tree/src" || exit 1
(cd "$root" && git ls-files -z --cached --others --exclude-standard |
    tar --null --ignore-failed-read -T - -cf -) 2>/dev/null | tar -C "$tree/src" -xf - || exit 1

# ---- Inside
mounted=
if mount -t proc proc "$tree/proc" 2>/dev/null; then
    mounted=yes
fi
trap '[ -z "$mounted" ] || umount "$tree/proc"' EXIT
trap 'exit 1' HUP INT TERM
[ $# -gt 0 ] || set -- --suite loop --suite turn --suite guards --suite storage --suite redis \
    --suite wire --suite drive --suite dialects --suite processes
chroot "$tree" env LC_ALL=C.UTF-8 PATH=/usr/bin:/usr/sbin:/bin:/sbin sh -ec '
    pkg-config --modversion hiredis libuv | paste -sd " " | sed "s/^/trixie: hiredis and libuv /"
    cd /src
    if [ -d /build ]; then meson setup --reconfigure /build /src || { rm -rf /build; meson setup /build /src; }
    else meson setup /build /src; fi >/tmp/setup.log 2>&1 || { tail -n 20 /tmp/setup.log; exit 1; }
    ninja -C /build >/tmp/build.log 2>&1 || { grep -E "error|FAILED" /tmp/build.log | head -n 40; exit 1; }
    meson test -C /build --no-rebuild --print-errorlogs "$@"
' sh "$@"
