#!/bin/sh
# The example of breakers on prefixes against a server of which a part is sick.
#     curl_guard.sh CURL_GUARD
set -eu
command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

python3 "$(dirname "$0")/serve.py" "$work" "$work/port" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 300); do
    [ ! -e "$work/port" ] || break
    sleep 0.1
done
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

fail() {
    cat "$work/said"
    echo "FAILED: $*" >&2
    exit 1
}

timeout 60 "$1" "http://127.0.0.1:$(cat "$work/port")" >"$work/said" || fail "it answers $?"
[ "$(grep -c "sick/. .*sick   503" "$work/said")" = 3 ] || fail "three that are sick"
grep -q "sick/4 .*refused.*sick   500 {\"error\":\"breaker tripped\"}" "$work/said" || fail "the refusal"
grep -q "well/1 .*well   200 hello from /well/1" "$work/said" || fail "the part that is well"
grep -q "moved/1 .*well   200 hello from /well/1" "$work/said" || fail "the redirect"
grep -q "other .*unguarded 200 hello from /other" "$work/said" || fail "what is under no prefix"
