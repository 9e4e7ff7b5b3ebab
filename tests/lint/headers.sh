#!/usr/bin/env bash
# Every header stands alone.
cd "$(dirname "$0")/../.." || exit 2
rc=0
for h in common/*.h message/*.h net/*.h store/*.h auth/*.h route/*.h smtpd/*.h imapd/*.h main/*.h; do
    [ -f "$h" ] || continue
    echo "#include \"$h\"" | ${CC:-gcc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I. -x c - || rc=1
    [ "$(wc -l <"$h")" -le 200 ] || { echo "$h: more than a door"; rc=1; }
    head -1 "$h" | grep -q '^#pragma once /\* ' || { echo "$h: does not open with #pragma once and what it is"; rc=1; }
done
exit $rc
