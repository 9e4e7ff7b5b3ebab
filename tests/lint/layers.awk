# awk -f tests/lint/layers.awk LAYERS FILE...: includes may only go where LAYERS says
FILENAME == ARGV[1] {
    if ($0 ~ /^#/ || $0 == "") next
    n = split($0, col, ":")
    gsub(/ /, "", col[1])
    may[col[1]] = " " col[2] " "
    m = split(col[3], own, " ")
    for (i = 1; i <= m; i++) owner[own[i]] = owner[own[i]] " " col[1] " "
    next
}
FNR == 1 { from = FILENAME; sub(/\/.*/, "", from) }
match($0, /^#include "[a-z0-9_]+\//) {
    to = substr($0, 11, RLENGTH - 11)
    if (to != from && may[from] !~ / [*] / && !index(may[from], " " to " ")) {
        print FILENAME ":" FNR ": " from "/ may not include " to "/"; bad = 1
    }
}
match($0, /^#include "[^"\/]+"/) { print FILENAME ":" FNR ": an include without its folder"; bad = 1 }
match($0, /^#include <[^>]+>/) {
    h = substr($0, 11, RLENGTH - 11)
    for (x in owner) if (index(h, x) == 1 && !index(owner[x], " " from " ")) {
        print FILENAME ":" FNR ": <" h "> belongs to" owner[x]; bad = 1
    }
}
END { exit bad }
