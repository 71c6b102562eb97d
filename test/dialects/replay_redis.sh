#!/bin/sh
# The replay over a real Redis, which is started here on a socket of its own, and ended.
#     replay_redis.sh REPLAY FILE...
set -u
command -v redis-server >/dev/null || exit 77
replay=$1
shift
home=$(mktemp -d) || exit 1
redis-server --port 0 --unixsocket "$home/socket" --save '' --dir "$home" >"$home/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server"; rm -rf "$home"' EXIT
trap 'exit 1' HUP INT TERM
"$replay" --storage "unix:$home/socket" "$@"
