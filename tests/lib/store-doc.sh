#!/usr/bin/env bash
# Prints docs/store.md: a word before it, and the comment at the top of store/schema.c.
cd "$(dirname "$0")/../.." || exit 2
cat <<'END'
# What lies on disk

One directory: a private Berkeley DB environment (a B-tree file for each table, pages of 4 KiB with checksums, log files), `lock`
(held by the one process that has the store), `ballast` (given up when the disk is full, so that recovery has room), and
`control` (the socket of the running server). Everything that must survive is a logged record of this environment. `mailstead check` proves the
invariants below, of a running server or a stopped one; `mailstead dump` writes it all as text (docs/dump.md).

How writing works is told by `store/committer.h`, how reading works by `store/txn.h`. This page is made from the comment at the top of
`store/schema.c` by `tests/lib/store-doc.sh`; a lint compares them.

```text
END
awk 'NR == 1 { sub(/^\/\* /, "") } { e = sub(/ \*\/$/, ""); sub(/^ \* ?/, ""); print } e { exit }' store/schema.c
echo '```'
