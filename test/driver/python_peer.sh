#!/bin/sh
# A drive and Python's own Redis client on one circuit. Where that client is not there it is skipped.
#     python_peer.sh DRIVE
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
command -v redis-server >/dev/null || { echo "skipped: no redis-server"; exit 77; }
python=
for one in python3 /usr/bin/python3; do
    if "$one" -c 'import redis' 2>/dev/null; then
        python=$one
        break
    fi
done
[ -n "$python" ] || { echo "skipped: no python3-redis"; exit 77; }
home=$(mktemp -d) || exit 1
redis-server --port 0 --unixsocket "$home/socket" --save '' --dir "$home" >"$home/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server"; rm -rf "$home"' EXIT
trap 'exit 1' HUP INT TERM
timeout 60 "$python" "$here/python_peer.py" "$1" "$home/socket"
