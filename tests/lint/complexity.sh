#!/usr/bin/env bash
# No function over 100 lines or with a cyclomatic complexity over 25; files stay rooms.
cd "$(dirname "$0")/../.." || exit 2
src=$(ls common/*.c message/*.c net/*.c store/*.c auth/*.c route/*.c smtpd/*.c imapd/*.c main/*.c)
rc=0
# shellcheck disable=SC2086
pmccabe $src | awk '$2 > 25 { print $6 ": " $7 ": complexity " $2; bad = 1 }
                    $5 > 100 { print $6 ": " $7 ": " $5 " lines"; bad = 1 } END { exit bad }' || rc=1
# shellcheck disable=SC2086
wc -l $src | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines: more than a room"; bad = 1 } END { exit bad }' || rc=1
exit $rc
