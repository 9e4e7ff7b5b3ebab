#!/usr/bin/env bash
# The man pages in docs/ are those that the binary writes from its own tables.
cd "$(dirname "$0")/../.." || exit 2
m=${MAILSTEAD:-${B:-build/plain}/mailstead}
diff docs/mailstead.1 <("$m" help --man) && diff docs/mailstead.conf.5 <("$m" help --man-conf) && exit 0
echo "write them anew: $m help --man >docs/mailstead.1; $m help --man-conf >docs/mailstead.conf.5"
exit 1
