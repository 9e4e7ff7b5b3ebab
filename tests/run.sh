#!/usr/bin/env bash
# tests/run.sh SUITE: lint unit dialog clients acl fault model kill, or all of them and the sanitizer build too.
# Each test prints "ok NAME" or "not ok NAME"; the last line is "N passed, N failed".
cd "$(dirname "$0")/.." || exit 2
log=$(mktemp -d "${TMPDIR:-/tmp}/mailstead-tests.XXXXXX")
trap 'rm -rf "$log"' EXIT
passed=0 failed=0
VARIANT=${VARIANT:-plain}
ROUNDS=${ROUNDS:-20}

ok() { passed=$((passed + 1)); echo "ok $1"; }
bad() { failed=$((failed + 1)); echo "not ok $1"; sed 's/^/    /' "$log/out" | tail -"${TAIL:-60}"; }
# one NAME COMMAND...: a test that is one exit code
one() {
    local name=$1; shift
    if timeout "${LIMIT:-300}" "$@" >"$log/out" 2>&1 </dev/null; then ok "$name"; else bad "$name"; fi
}
# many COMMAND...: a program that prints ok and not ok lines itself
many() {
    timeout "${LIMIT:-1200}" "$@" </dev/null 2>&1 | tee "$log/many"
    local rc=${PIPESTATUS[0]}
    passed=$((passed + $(grep -c '^ok ' "$log/many")))
    local n; n=$(grep -c '^not ok ' "$log/many")
    [ "$rc" = 0 ] || [ "$n" != 0 ] || { echo "not ok $* (exit code $rc)"; n=1; }
    failed=$((failed + n))
}

build() { local LIMIT=900; one "build $1" make -j2 VARIANT="$1" all; [ "${2:-}" = "" ] || one "build $1 tests" make -j2 VARIANT="$1" tests; }
suite_lint() {
    one "lint layers" awk -f tests/lint/layers.awk LAYERS $(ls ./*/*.[ch] | sed 's|^\./||' | grep -v '^tests/\|^bench/')
    for l in tests/lint/*.sh; do one "lint $(basename "$l" .sh)" "$l"; done
}
suite_unit() {
    local t
    for t in $(ls tests/unit/*/*_test.c); do one "unit $1 ${t#tests/unit/}" "build/$1/${t%.c}"; done
}
suite_dialog() { many env MAILSTEAD="build/$1/mailstead" python3 tests/dialog/run.py --label "dialog $1"; }
suite_clients() { many env MAILSTEAD="build/$1/mailstead" tests/clients/run.sh; }
suite_serve() {
    many env MAILSTEAD="build/$1/mailstead" LABEL="serve $1" python3 tests/serve/run.py
    many env MAILSTEAD="build/$1/mailstead" LABEL="serve $1" python3 tests/serve/auth.py
}
suite_acl() { many env MAILSTEAD="build/$1/mailstead" python3 tests/acl/matrix.py --label "acl $1"; }
suite_golden() { many env MAILSTEAD="build/$1/mailstead" python3 tests/differences/run.py --golden --label "differences $1"; }
suite_fault() { many env MAILSTEAD="build/$1/mailstead" LABEL="fault $1" tests/fault/run.sh; }
# suite_model VARIANT STEPS SESSIONS
suite_model() {
    many env MAILSTEAD="build/$1/mailstead" python3 tests/model/model.py --steps "$2" --label "model $1"
    many env MAILSTEAD="build/$1/mailstead" python3 tests/model/resync.py --steps $(($2 / 5)) --label "resync $1"
    many env MAILSTEAD="build/$1/mailstead" python3 tests/model/contexts.py --steps $(($2 / 5)) --label "contexts $1"
    many env MAILSTEAD="build/$1/mailstead" python3 tests/model/garbage.py --sessions "$3" --label "garbage $1"
    many env MAILSTEAD="build/$1/mailstead" python3 tests/model/hostile.py --messages $(($2 * 10)) --label "hostile $1"
}
suite_kill() { many env MAILSTEAD="build/$1/mailstead" python3 tests/kill/kill.py --rounds "$2" --label "kill $1"; }

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
case ${1:-all} in
all)
    build plain tests
    suite_unit plain
    suite_lint
    suite_dialog plain
    suite_clients plain
    suite_serve plain
    suite_acl plain
    suite_golden plain
    suite_fault plain
    suite_model plain 2000 2000
    suite_kill plain "$ROUNDS"
    build clang
    build asan tests
    suite_unit asan
    suite_dialog asan
    suite_clients asan
    suite_serve asan
    suite_acl asan
    suite_golden asan
    suite_fault asan
    suite_model asan 300 500
    suite_kill asan 3
    ;;
lint) build plain; suite_lint ;;
unit) build "$VARIANT" tests; suite_unit "$VARIANT" ;;
dialog | clients | serve | golden | acl | fault) build "$VARIANT" tests; "suite_$1" "$VARIANT" ;;
model) build "$VARIANT"; suite_model "$VARIANT" 2000 2000 ;;
kill) build "$VARIANT"; suite_kill "$VARIANT" "$ROUNDS" ;;
*) echo "usage: tests/run.sh [all|lint|unit|dialog|clients|serve|acl|fault|model|kill]" >&2; exit 2 ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
