#!/usr/bin/env bash
# What `make fuzz` runs: without arguments a fixed number of inputs from a fixed seed for every target, for
# continuous integration; with a target and a number of seconds, that target for as long.
set -euo pipefail
cd "$(dirname "$0")/.."
work=${CARGO_TARGET_DIR:-target}/fuzz
mkdir -p "$work"

# Of the slow targets fewer: together they take less than a minute.
runs() {
    case $1 in
    config | password) echo 2000 ;;
    event) echo 10000 ;;
    *) echo 50000 ;;
    esac
}

# The folder that libFuzzer writes to comes first and is git-ignored, so that the kept corpus stays small.
fuzz() {
    local target=$1 seeds=("fuzz/corpus/$1")
    shift
    [ "$target" != event ] || seeds+=(events)
    mkdir -p "$work/$target"
    WARDGATE_FUZZ_TARGET=$target "$work/../debug/fuzz" -timeout=10 -max_len=6000 "-artifact_prefix=$work/$target-" "$@" \
        "$work/$target" "${seeds[@]}"
}

# Of the whole workspace, examples too: so dependencies have the features that tests ask for, and are those that the tests
# have built.
RUSTC_WORKSPACE_WRAPPER=$PWD/fuzz/rustc.sh cargo build --workspace --exclude wardgate-generate \
    --features wardgate-fuzz/libfuzzer --bin fuzz --examples

if [ -n "${1:-}" ]; then
    [ -d "fuzz/corpus/$1" ] || { echo "There is no target $1, only: $(ls -m fuzz/corpus)" >&2; exit 1; }
    fuzz "$1" "-max_total_time=${2:-60}"
    exit
fi

status=0
for folder in fuzz/corpus/*/; do
    target=$(basename "$folder")
    # What an earlier run found would make this one another.
    rm -rf "${work:?}/$target"
    if fuzz "$target" -seed=1 "-runs=$(runs "$target")" >"$work/$target.log" 2>&1; then
        echo "fuzz $target: $(grep '^Done' "$work/$target.log")"
    else
        tail -n 40 "$work/$target.log"
        echo "fuzz $target: FAILED, see above"
        status=1
    fi
done
exit "$status"
