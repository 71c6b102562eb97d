#!/bin/sh
# The demo, asked to end while requests are under way: it must draw its lines until then, leave nothing on
# its loop and write no picture.
#     demo_stops.sh DEMO
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$work/demo.svg" >"$work/out" 2>"$work/errors" &
demo=$!
while ! grep -q '^  1 s .*breaker PASSING' "$work/out"; do
    kill -0 "$demo" || break
    sleep 0.1
done
kill -TERM "$demo"
status=0
wait "$demo" || status=$?
cat "$work/out" "$work/errors"
[ "$status" = 143 ] && grep -q '^demo: interrupted' "$work/errors" && [ ! -e "$work/demo.svg" ]
