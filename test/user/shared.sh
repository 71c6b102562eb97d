#!/bin/sh
# The example of a shared circuit, as three processes on one Redis: two are sick, and the third hears of it; and
# all know which circuits there are.
#     shared.sh SHARED
set -eu
command -v redis-server >/dev/null || { echo "skipped: no redis-server"; exit 77; }
shared=$1
work=$(mktemp -d)
redis-server --port 0 --unixsocket "$work/socket" --save '' --dir "$work" >"$work/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" || true; rm -rf "$work"' EXIT
for _ in $(seq 300); do
    [ ! -S "$work/socket" ] || break
    sleep 0.1
done

fail() {
    cat "$work/1" "$work/2" "$work/3"
    echo "FAILED: $*" >&2
    exit 1
}

timeout 60 "$shared" "unix:$work/socket" sick 4 >"$work/1" & first=$!
timeout 60 "$shared" "unix:$work/socket" sick 4 >"$work/2" & second=$!
timeout 60 "$shared" "unix:$work/socket" ok 4 >"$work/3" || fail "the well one answers $?"
wait "$first" || fail "the first one answers $?"
wait "$second" || fail "the second one answers $?"
grep -q '^PASSING -> BROKEN, made' "$work/3" || fail "the third has not heard of it"
[ "$(cat "$work/1" "$work/2" "$work/3" | grep -c '^PASSING -> BROKEN, made here$')" -ge 1 ] ||
    fail "one of them makes it (or two at once)"
for i in 1 2 3; do
    [ "$(grep -c '^circuit: orders$' "$work/$i")" = 1 ] || fail "the list of $i"
done
[ "$("$shared" 2>&1 | grep -c usage)" = 1 ] || fail "no usage"
if timeout 20 "$shared" 'no url' >"$work/3" 2>&1; then fail "a Redis that is none"; fi
