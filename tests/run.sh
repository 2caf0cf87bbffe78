#!/usr/bin/env bash
# What `make test` runs. REQUIRE_INTEROP=1 turns a skipped test into a failure, ONLY_BUILD=1 runs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"

# Built first and apart, because a terminal shows cargo's progress only while nothing reads along.
# Functions have no tests of their own: each would be linked with an empty one.
tests=(--workspace --lib --test '*' --exclude wardgate-generate)
for folder in functions/*/; do tests+=(--exclude "$(basename "$folder")"); done
echo "Building the tests; the first time takes a few minutes."
cargo test "${tests[@]}" --no-run
[ -z "${ONLY_BUILD:-}" ] || exit 0

skipped=$(tests/prepare.sh)
status=0
all() {
    local failed=0
    cargo test "${tests[@]}" --no-fail-fast || failed=1
    cargo test --workspace --doc || failed=1
    return "$failed"
}
all 2>&1 | tee "$target/tests.log" || status=$?

echo
echo "What ran:"
awk -v totals="$target/tests.totals" '
    /^ *Running / { name = $NF; gsub(/.*\/|-[0-9a-f]+\)$/, "", name) }
    /^ *Doc-tests / { name = $NF " (documentation)" }
    /^test result: / {
        passed += $4; failed += $6; ignored += $8
        if ($4 + $6 + $8) printf "  %-36s %5d passed %3d failed %3d ignored\n", name, $4, $6, $8
    }
    END { printf "%d %d %d\n", passed, failed, ignored > totals }
' "$target/tests.log"

read -r passed failed ignored <"$target/tests.totals"
# Each with how many tests need it.
for part in pyjwt:3 aiosmtpd:1 jose:3 browser:9 nodejs:2; do
    tests_of=${part#*:} part=${part%:*}
    reason=$(sed -n "s/^$part: //p" <<<"$skipped")
    if [ -z "$reason" ]; then
        echo "  test with $part: ran"
    elif [ -z "${REQUIRE_INTEROP:-}" ]; then
        echo "  test with $part: SKIPPED, $reason"
        # Its tests returned at once, which is no pass.
        passed=$((passed - tests_of)) ignored=$((ignored + tests_of))
    else
        echo "  test with $part: FAILED, $reason (REQUIRE_INTEROP is set)"
        status=1
    fi
done
echo "$passed passed, $failed failed, $ignored skipped" | tee "$target/tests.total"
exit "$status"
