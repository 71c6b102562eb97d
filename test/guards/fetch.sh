#!/bin/sh
# The fetcher against python3's HTTP server and a port where nobody listens: the one is fetched, the other is
# given up after three failures, and the table says so.
#     fetch.sh FETCH
set -eu
command -v python3 >/dev/null || exit 77
fetch=$1
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

mkdir "$work/www" "$work/www/folder"
echo "hello" >"$work/www/page"
python3 "$(dirname "$0")/serve.py" "$work/www" "$work/port" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 300); do
    [ ! -e "$work/port" ] || break
    sleep 0.1
done
port=$(cat "$work/port")

fail() {
    cat "$work/said"
    echo "FAILED: $*" >&2
    exit 1
}

# ---- All is well: ten pages, one that is not there, one that has moved
{
    echo "# a comment"
    echo
    for _ in $(seq 10); do echo "http://127.0.0.1:$port/page"; done
    echo "http://127.0.0.1:$port/none"
    echo "http://127.0.0.1:$port/folder"
    echo "no scheme and no URL at all://"
} >"$work/list"
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
timeout 60 "$fetch" "$work/list" >"$work/said" || fail "it answers $?"
[ "$(grep -c " 200 .*/page, 6 bytes$" "$work/said")" = 10 ] || fail "ten pages"
grep -q " 404 .*/none" "$work/said" || fail "the page that is not there"
grep -q " 200 .*/folder/," "$work/said" || fail "the folder, by way of a redirect"
grep -q "^http://127.0.0.1:$port *PASSING *13 *0 *0$" "$work/said" || fail "the table"

# ---- A second host, which is not there
{
    for _ in $(seq 40); do
        echo "http://127.0.0.1:1/"
        echo "http://127.0.0.1:$port/page"
    done
} | {
    status=0
    timeout 60 "$fetch" >"$work/said" || status=$?
    [ "$status" = 1 ] || fail "it answers $status to a host that is not there"
}
[ "$(grep -c " 200 .*/page, 6 bytes$" "$work/said")" = 40 ] || fail "forty pages"
grep -q " refused  http://127.0.0.1:1/" "$work/said" || fail "no refusal"
grep -q "^http://127.0.0.1:1 *BROKEN *0 " "$work/said" || fail "the sick host"
grep -q "^http://127.0.0.1:$port *PASSING *40 *0 *0$" "$work/said" || fail "the well host"
failures=$(grep -c " failed  *http://127.0.0.1:1/" "$work/said")
[ "$failures" -ge 3 ] && [ "$failures" -le 12 ] || fail "$failures failures"
