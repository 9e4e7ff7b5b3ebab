#!/usr/bin/env bash
# Shows mailstead at work: a message with an attachment goes in by SMTP and comes out by IMAP, both times with curl.
set -euo pipefail
bin=${MAILSTEAD:-build/mailstead}
home=$(mktemp -d "${TMPDIR:-/tmp}/mailstead-demo.XXXXXX")
pid=""
finish() {
    local code=$?
    if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then wait "$pid" || true; fi
    [ "$code" = 0 ] || { echo "demo: FAILED (exit code $code)"; [ -f "$home/log" ] && tail -20 "$home/log"; }
    rm -rf "$home"
}
trap finish EXIT
say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

say "Starting a server: no configuration, free ports, a temporary store"
coproc SERVER { exec "$bin" lab --smtp 127.0.0.1:0 --submission 127.0.0.1:0 --imap 127.0.0.1:0 --imaps 127.0.0.1:0 --print=env 2>"$home/log"; }
pid=$SERVER_PID
exec 3<&"${SERVER[0]}"
while IFS= read -r line <&3; do
    echo "   $line"
    declare "$line"
    [ "${line%%=*}" = MAILSTEAD_PID ] && break
done
[ -n "${MAILSTEAD_SMTP:-}" ] && [ -n "${MAILSTEAD_IMAPS:-}" ] || { echo "the server did not start"; exit 1; }

say "Writing a message: a subject with letters beyond ASCII, and an attachment"
head -c 3000 /dev/urandom >"$home/picture.bin"
{
    printf 'From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\n'
    printf 'Subject: =?UTF-8?B?%s?=\r\n' "$(printf 'Grüße aus Zürich ✉' | base64 -w0)"
    printf 'Date: %s\r\nMessage-ID: <demo-%s@example.org>\r\nMIME-Version: 1.0\r\n' "$(LC_ALL=C date -R)" "$RANDOM$RANDOM"
    printf 'Content-Type: multipart/mixed; boundary="part"\r\n\r\n--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    printf 'Hello Bob, the picture is attached.\r\n--part\r\nContent-Type: application/octet-stream\r\n'
    printf 'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="picture.bin"\r\n\r\n'
    base64 -w72 "$home/picture.bin" | sed 's/$/\r/'
    printf -- '--part--\r\n'
} >"$home/message.eml"
echo "   $(wc -c <"$home/message.eml") bytes"

say "Sending it by SMTP to $MAILSTEAD_SMTP"
curl -sS -v --url "smtp://$MAILSTEAD_SMTP" --mail-from ann@example.org --mail-rcpt bob@example.org \
    --upload-file "$home/message.eml" 2>"$home/smtp.log" || { cat "$home/smtp.log"; exit 1; }
grep -E '^[<>] ' "$home/smtp.log" | tr -d '\r' | sed 's/^</   server:/; s/^>/   client:/'
grep -q '^< 250 .*2\.0\.0\|^< 250 2\.6\.0' "$home/smtp.log" || { echo "no 250 for the message"; exit 1; }

say "Fetching it by IMAP over TLS from $MAILSTEAD_IMAPS"
curl -sS -v --cacert "$MAILSTEAD_CA" --url "imaps://$MAILSTEAD_IMAPS/INBOX;MAILINDEX=1" --user bob@example.org:secret \
    -o "$home/fetched.eml" 2>"$home/imap.log" || { cat "$home/imap.log"; exit 1; }
grep -E '^[<>] ' "$home/imap.log" | tr -d '\r' | cut -c1-150 | sed 's/^</   server:/; s/^>/   client:/'
curl -sS --cacert "$MAILSTEAD_CA" --url "imaps://$MAILSTEAD_IMAPS/INBOX" --user bob@example.org:secret \
    -X 'FETCH 1 (FLAGS ENVELOPE BODYSTRUCTURE)' | tr -d '\r' | fold -w 150 | sed 's/^/   server: /'

say "Comparing"
# What came back is what was sent, behind the trace fields that the server adds.
n=$(wc -c <"$home/message.eml")
tail -c "$n" "$home/fetched.eml" | cmp - "$home/message.eml"
head -c -"$n" "$home/fetched.eml" | tr -d '\r' | sed 's/^/   added: /'
sed -n '/filename="picture.bin"/,/^--part--/p' "$home/fetched.eml" | sed '1,2d;$d' | tr -d '\r' | base64 -d | cmp - "$home/picture.bin"

say "Proved"
cat <<END
   1. The message went in by SMTP ($MAILSTEAD_SMTP) and was on disk before its 250.
   2. It came out by IMAP over TLS ($MAILSTEAD_IMAPS), every byte as it was sent; the attachment too.
   3. The server parsed its structure once, on the way in, and shows it as ENVELOPE and BODYSTRUCTURE.

   To keep a server running:  $bin lab --dir ~/mailstead-lab
   For a domain of your own:  see README.md, "Five minutes to a server of your own"
END
say "Stopping the server"
kill "$pid"
wait "$pid"
pid=""
echo "   it ended cleanly"
