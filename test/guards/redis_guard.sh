#!/bin/sh
# The example of guarded Redis commands against a server of its own.
#     redis_guard.sh REDIS_GUARD
set -eu
command -v redis-server >/dev/null || exit 77
work=$(mktemp -d)
redis-server --port 0 --unixsocket "$work/socket" --save '' --dir "$work" >"$work/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$work"' EXIT

for _ in $(seq 300); do
    [ ! -S "$work/socket" ] || break
    sleep 0.1
done
timeout 60 "$1" "$work/socket"
