#!/usr/bin/env bash
# tests/lib/deps.sh build|test|clients ...: installs the Debian packages that are missing, or prints the command that would.
set -euo pipefail
build="gcc libc6-dev make pkg-config curl libevent-dev libssl-dev libdb5.3-dev libconfuse-dev libjansson-dev libutf8proc-dev libidn2-dev libcrypt-dev libzstd-dev zlib1g-dev"
test="clang libclang-rt-14-dev clang-format clang-tidy cppcheck pmccabe libcmocka-dev python3 swaks libnet-ssleay-perl libsasl2-modules msmtp isync mutt neomutt fetchmail getmail6 offlineimap3 aerc libmail-imapclient-perl dovecot-core tmux openssl procps util-linux"
clients="thunderbird xvfb xdotool roundcube-core roundcube-sqlite3 php-cli php-sqlite3 php-mbstring php-intl php-xml php-curl"
command -v npm >/dev/null || clients="$clients nodejs npm"
want=""
for set in "$@"; do
    case $set in
    build) want="$want $build" ;;
    test) want="$want $test" ;;
    clients) want="$want $clients" ;;
    *) echo "deps.sh: no such set: $set" >&2; exit 2 ;;
    esac
done
missing=""
for p in $want; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | cut -c1-2)" = ii ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as="sudo -n"
else
    printf 'These Debian packages are missing. Install them and try again:\n\n    sudo %s\n\n' "$command" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as apt-get update -qq >/dev/null 2>&1 || true
$as env DEBIAN_FRONTEND=noninteractive $command >/tmp/mailstead-apt.$$ 2>&1 || { cat /tmp/mailstead-apt.$$ >&2; rm -f /tmp/mailstead-apt.$$; exit 1; }
rm -f /tmp/mailstead-apt.$$
