#!/usr/bin/env bash
# docs/events.md lists exactly the events that the code logs.
cd "$(dirname "$0")/../.." || exit 2
diff <(cat ./*/*.c | tr '\n' ' ' | grep -oE 'log_event\(LOG_[A-Z]+, *[^"]*"[a-z0-9_.]+"' | grep -oE '"[a-z0-9_.]+"$' | tr -d '"' | sort -u) \
     <(grep -oE '^\| `[a-z0-9_.]+`' docs/events.md | tr -d '|` ' | sort -u) && exit 0
echo "(< logged but not listed in docs/events.md; > listed but not logged)"
exit 1
