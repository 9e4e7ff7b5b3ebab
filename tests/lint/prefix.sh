#!/usr/bin/env bash
# Every name that an object exports starts with its file's own name, and no two files have the same name.
cd "$(dirname "$0")/../.." || exit 2
rc=0
B=${B:-build/plain}
for o in $(find "$B" -name '*.o' -path "$B/[a-z]*/*" ! -path "$B/tests/*"); do
    b=$(basename "$o" .o)
    nm --defined-only -g "$o" | awk -v b="$b" '$3 !~ "^" b "(_|$)" && $3 != "main" {
        print b ".c exports " $3; bad = 1 } END { exit bad }' || rc=1
done
twice=$(ls ./*/*.c | grep -v tests/ | xargs -n1 basename | sort | uniq -d)
[ -z "$twice" ] || { echo "two rooms of one name: $twice"; rc=1; }
exit $rc
