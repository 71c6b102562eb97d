#!/bin/sh
# Where nobody listens, the connect example must fail three times, then be refused, and say so.
#     in_vain.sh CONNECT
if said=$("$1" 127.0.0.1 1); then
    echo "it succeeded: $said"
    exit 1
fi
echo "$said"
[ "$(echo "$said" | grep -c '^failed: ')" = 3 ] && [ "$(echo "$said" | grep -c '^not tried: ')" = 2 ]
