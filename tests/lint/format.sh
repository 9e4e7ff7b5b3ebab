#!/usr/bin/env bash
cd "$(dirname "$0")/../.." || exit 2
clang-format --dry-run -Werror common/*.[ch] message/*.[ch] net/*.[ch] store/*.[ch] auth/*.[ch] route/*.[ch] smtpd/*.[ch] imapd/*.[ch] main/*.[ch] 2>&1 | head -20
exit "${PIPESTATUS[0]}"
