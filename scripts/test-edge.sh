#!/usr/bin/env bash
# What `make test-edge` runs: the corpus in every runtime, and the tests of edge/. WARDGATE_SERVER is a server's binary with the
# feature `dev`, if there is one already. REQUIRE_INTEROP=1 turns a missing runtime into a failure, ONLY_VERDICTS=1 measures nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${WARDGATE_SERVER:-}" ]; then
    cargo build --quiet --package wardgate-server --features dev
    WARDGATE_SERVER=${CARGO_TARGET_DIR:-target}/debug/wardgate-server
fi
WARDGATE_SERVER=$(realpath "$WARDGATE_SERVER")
export WARDGATE_SERVER

status=0
node edge/test/verdicts.js || status=1
echo
node --test --test-reporter spec edge/test/*.test.js || status=1
exit "$status"
