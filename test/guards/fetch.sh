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

# ---- A list that comes slowly, and does not end with its line: what has come is fetched meanwhile
: >"$work/said"
{
    echo "http://127.0.0.1:$port/page"
    for _ in $(seq 100); do
        ! grep -q " 200 .*/page" "$work/said" || break
        sleep 0.1
    done
    grep -q " 200 .*/page" "$work/said" || touch "$work/stalled"
    printf "http://127.0.0.1:%s/none" "$port"
} | timeout 60 "$fetch" >"$work/said" || fail "it answers $? to a slow list"
[ ! -e "$work/stalled" ] || fail "the first page waits for the rest of the list"
grep -q " 404 .*/none" "$work/said" || fail "the last line"

# ---- A line that is too long is one that is skipped; a list that cannot be read
{
    echo "http://127.0.0.1:$port/page"
    head -c 10000 /dev/zero | tr '\0' a
    echo
    echo "http://127.0.0.1:$port/page"
} | timeout 60 "$fetch" >"$work/said" || fail "it answers $? to a long line"
[ "$(grep -c " skipped " "$work/said")" = 1 ] || fail "one is skipped"
[ "$(grep -c " 200 .*/page, 6 bytes$" "$work/said")" = 2 ] || fail "the lines around it"
grep -q "^3 URLs: 2 fetched, 0 failed" "$work/said" || fail "three lines"
status=0
timeout 60 "$fetch" "$work" >"$work/said" 2>&1 || status=$?
[ "$status" = 2 ] || fail "it answers $status to a folder"
