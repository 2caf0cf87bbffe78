#!/usr/bin/env bash
# What `make watch` runs: each function's own binary, rebuilt on save, over the store and keys of `make run`.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
export AUTH__STAGE=${AUTH__STAGE-development} AUTH__EMBEDDED__FOLDER=${AUTH__EMBEDDED__FOLDER-.wardgate}

[ -e "$target/debug/login" ] || echo "The first build takes a few minutes."
cargo build --package wardgate-server --features dev
# All at once and ahead, or the first request to each function would wait for its build.
functions=()
for binary in functions/*/src/bin/*.rs; do functions+=(--bin "$(basename "$binary" .rs)"); done
cargo build --workspace "${functions[@]}"

# Process groups of their own: Ctrl-C reaches this script alone, and the engine outlives the functions.
set -m
engine='' watch=''
finish() {
    trap - EXIT
    # Whatever has ended by itself needs no signal.
    if [ -n "$watch" ]; then kill -INT -- "-$watch" 2>/dev/null || true; wait "$watch" || true; fi
    kill "$engine" 2>/dev/null || true
    wait "$engine" || true
}
trap finish EXIT
trap 'exit 0' INT TERM

"$target/debug/wardgate-server" engine &
engine=$!
env_file=$AUTH__EMBEDDED__FOLDER/functions.env
# A file that a killed engine left behind names another process.
until grep -qsx "WARDGATE_ENGINE_PID=$engine" "$env_file"; do
    # An engine that is gone has said why.
    kill -0 "$engine" 2>/dev/null || exit 1
    sleep 0.1
done
# The server has read .env, and functions get what it has found.
port=$(sed -n 's/^AUTH__HTTP__PORT=//p' "$env_file" | tail -n 1)

echo
echo "The functions listen on http://localhost:$port, where the tour of docs/start/tour.md works. Each starts at its first request."
echo "Ctrl-C ends them; data and keys stay in $AUTH__EMBEDDED__FOLDER."
echo
# Two instances of a function, so that requests can race as on Lambda. A request to a function that has died waits for
# the timeout: save a file to start it again. Without --disable-cors every origin would be let in. The metrics for
# CloudWatch would drown the log.
.tools/cargo-lambda/bin/cargo-lambda lambda watch --quiet --invoke-address 127.0.0.1 --invoke-port "$port" \
    --env-file "$env_file" --concurrency 2 --timeout 60 --disable-cors \
    > >(grep --line-buffered -v '^{"_aws":') &
watch=$!
wait "$watch"
