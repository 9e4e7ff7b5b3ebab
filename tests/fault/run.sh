#!/usr/bin/env bash
# tests/fault/run.sh: planted faults, a full disk, bad peers. MAILSTEAD is the binary, LABEL goes before each name.
here=$(dirname "$0")
export LABEL=${LABEL:-fault}
case $LABEL in
*asan*) export FAULT_POINTS=${FAULT_POINTS:-6} ;; # slower by much, and looking for other things than what n is
esac
bad=0
python3 "$here/nth.py" || bad=1
room=$(mktemp -d "${TMPDIR:-/tmp}/mailstead-test.XXXXXX")
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs -o size=1m none "$room" 2>/dev/null; then
    unshare -m sh -c 'mount -t tmpfs -o size=128m none "$1" && exec python3 "$2/full.py" "$1"' sh "$room" "$here" || bad=1
else
    echo "skipped: $LABEL disk full: only root may mount a small file system"
fi
rmdir "$room"
python3 "$here/peers.py" || bad=1
exit $bad
