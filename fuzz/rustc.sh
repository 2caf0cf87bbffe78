#!/bin/sh
# Cargo calls this instead of rustc for the crates of this workspace (RUSTC_WORKSPACE_WRAPPER): they get libFuzzer's
# counters, while everything else is what `make test` built. -Cpasses works on the stable toolchain; sanitizers do not,
# and safe Rust has little use for them.
# A build script is a program of its own, and nothing in it has libFuzzer's counters to link; nor has an example, which
# nobody runs.
case " $* " in
*' --crate-name build_script_'*) exec "$@" ;;
*' examples/'* | *'/examples/'*) set -- "$@" -Clink-arg=-Wl,--unresolved-symbols=ignore-all ;;
esac
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
