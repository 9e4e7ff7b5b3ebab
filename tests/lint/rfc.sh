#!/usr/bin/env bash
# Every "RFC n §s" in the code names a section that exists; skipped where the texts are not at hand.
cd "$(dirname "$0")/../.." || exit 2
rfc=${RFC_DIR:-../shared/rfc}
[ -d "$rfc" ] || { echo "skipped: no RFC texts in $rfc"; exit 0; }
rc=0
while IFS= read -r hit; do
    n=$(sed -E 's/.*RFC ([0-9]+) §.*/\1/' <<<"$hit")
    s=$(sed -E 's/.*§([0-9A-Z][0-9.]*[0-9A-Z]|[0-9A-Z]).*/\1/' <<<"$hit")
    f=$rfc/rfc$n.txt
    [ -f "$f" ] || continue
    grep -qE "^ *(Appendix )?${s//./\\.}\.?( |$)" "$f" || { echo "no such section: RFC $n §$s (${hit%%:*})"; rc=1; }
done < <(grep -noE 'RFC [0-9]+ §[0-9A-Z][0-9.A-Z]*' ./*/*.[ch] | sed -E 's/\.$//' | awk -F: '!seen[$3]++')
exit $rc
