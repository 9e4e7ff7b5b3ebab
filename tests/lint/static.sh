#!/usr/bin/env bash
cd "$(dirname "$0")/../.." || exit 2
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 -D_GNU_SOURCE --suppress=missingIncludeSystem \
    --suppress=nullPointerArithmeticRedundantCheck -I. common message net store auth route smtpd imapd main
