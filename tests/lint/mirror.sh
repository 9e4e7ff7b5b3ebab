#!/usr/bin/env bash
# Rooms of pure functions have a unit test of the same name. (What only speaks to a peer is tested by tests/dialog.)
cd "$(dirname "$0")/../.." || exit 2
rc=0
for f in common/*.c message/*.c store/*.c; do
    [ -f "tests/unit/${f%.c}_test.c" ] || grep -qx "$f" tests/lint/mirror.allow || { echo "$f has no tests/unit/${f%.c}_test.c"; rc=1; }
done
exit $rc
