#!/usr/bin/env bash
# run.sh [DIRECTORY]: real clients, each doing what its users do, against one lab server. Prints "ok NAME" or "not ok NAME".
# What the IMAP service tells them passes tests/lib/tap.py, which holds every line against the formal syntax.
cd "$(dirname "$0")/../.." || exit 2
here=$PWD/${1:-tests/clients}
MAILSTEAD=$(realpath "${MAILSTEAD:-build/plain/mailstead}") || exit 2
export MAILSTEAD
home=$(mktemp -d "${TMPDIR:-/tmp}/mailstead-clients.XXXXXX")
export HOME=$home CLIENTS=$here
failed=0
pid="" tap=""
finish() {
    [ -n "$tap" ] && kill "$tap" 2>/dev/null
    [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid"
    rm -rf "$home"
}
trap finish EXIT
coproc SERVER { exec "$MAILSTEAD" lab --dir "$home/store" --smtp 127.0.0.1:0 --submission 127.0.0.1:0 --imap 127.0.0.1:0 --imaps 127.0.0.1:0 \
    --user keeper@clients.example:right --print=env 2>"$home/server.log"; }
pid=$SERVER_PID
exec 3<&"${SERVER[0]}"
while IFS= read -r line <&3; do
    declare -x "$line"
    [ "${line%%=*}" = MAILSTEAD_PID ] && break
done
[ -n "${MAILSTEAD_IMAP:-}" ] || { echo "not ok clients (the server did not start)"; cat "$home/server.log"; exit 1; }
export SMTP_PORT=${MAILSTEAD_SMTP##*:} SUBMISSION_PORT=${MAILSTEAD_SUBMISSION##*:} IMAP_PORT=${MAILSTEAD_IMAP##*:} IMAPS_PORT=${MAILSTEAD_IMAPS##*:}
exec 4< <(exec python3 tests/lib/tap.py "$MAILSTEAD_IMAP" --label "clients grammar")
tap=$!
read -r IMAP_PORT <&4 || { echo "not ok clients (tests/lib/tap.py did not start)"; exit 1; }
MAILSTEAD_IMAP=127.0.0.1:$IMAP_PORT

for client in ${ONLY:-"$here"/[a-z]*.client}; do
    name=$(basename "$client" .client)
    mkdir -p "$home/$name"
    if (cd "$home/$name" && timeout "${LIMIT:-120}" bash -eu "$client") >"$home/out" 2>&1 </dev/null; then
        echo "ok clients $name"
    else
        echo "not ok clients $name"
        failed=$((failed + 1))
        tail -40 "$home/out" | sed 's/^/    /'
    fi
done
kill "$tap"
cat <&4
wait "$tap" || failed=$((failed + 1))
tap=""
kill "$pid"
wait "$pid"
code=$?
pid=""
if [ $code = 0 ]; then echo "ok clients server ends cleanly"; else echo "not ok clients server ends cleanly (exit code $code)"; tail -60 "$home/server.log" | sed 's/^/    /'; failed=$((failed + 1)); fi
[ $failed = 0 ]
