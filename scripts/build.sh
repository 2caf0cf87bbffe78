#!/usr/bin/env bash
# What `make build` runs: `scripts/build.sh <x86_64|arm64> [function…]` builds every function, or only those named, as
# deployed, lists their sizes and compares them with size-budget.toml, and looks which glibc they want.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
architecture=${1:-x86_64}
shift || true
case $architecture in
    x86_64) flag=--x86-64 machine=x86_64 ;;
    arm64) flag=--arm64 machine=aarch64 ;;
    *) echo "ARCH is x86_64 or arm64, not $architecture." >&2; exit 2 ;;
esac
if [ "$(uname -s)" != Linux ] || [ "$(uname -m)" != "$machine" ]; then
    echo "For $architecture, build on Linux on such a machine: nothing is cross-compiled." >&2
    exit 1
fi

functions=("$@")
if [ "${#functions[@]}" -eq 0 ]; then
    for binary in functions/*/src/bin/*.rs; do functions+=("$(basename "$binary" .rs)"); done
fi
# Packages, not the workspace: otherwise each function would get the features that the server and the tests ask for. What signs
# for every region does so by a feature of what all of them link, and in one command with it all would have that: 92 kB each.
together=() apart=()
for function in "${functions[@]}"; do
    binary=$(echo functions/*/src/bin/"$function".rs)
    [ -e "$binary" ] || { echo "There is no function $function." >&2; exit 2; }
    package=$(cut -d / -f 2 <<<"$binary")
    if [ "$package" = edge-sync ]; then
        apart+=(--package "$package" --bin "$function")
    else
        together+=(--package "$package" --bin "$function")
    fi
done
echo "Building ${#functions[@]} functions for $architecture. After their dependencies, each takes about a minute."
# What is to be optimised says Cargo.toml; cargo-lambda would only add a newer processor, which costs size and gains
# nothing: ring and argon2 look for it themselves.
# Nothing is found in target/lambda but what this build made.
rm -rf "$target/lambda"
build() {
    [ $# -eq 0 ] ||
        .tools/cargo-lambda/bin/cargo-lambda lambda build --release --disable-optimizations --compiler cargo "$flag" "$@"
}
build "${together[@]}"
build "${apart[@]}"

# What Amazon Linux 2023 has, which provided.al2023 is. A binary that was built beside a newer one may want more, and does
# not start.
glibc=2.34
needs() {
    objdump --dynamic-syms "$1" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort --version-sort | tail -n 1
}

echo
over=0
for function in "${functions[@]}"; do
    size=$(wc -c <"$target/lambda/$function/bootstrap")
    budget=$(sed -n "s/^$function = //p" size-budget.toml)
    remark=${budget:+"of $budget"}
    if [ -n "$budget" ] && [ "$size" -gt "$budget" ]; then remark="$remark: OVER BUDGET" over=1; fi
    wanted=$(needs "$target/lambda/$function/bootstrap")
    if [ "$(printf '%s\n' "$wanted" "$glibc" | sort --version-sort | tail -n 1)" != "$glibc" ]; then
        remark="$remark: WANTS GLIBC $wanted, and Lambda has $glibc" over=1
    fi
    printf '%-24s %9d bytes  %s\n' "$function" "$size" "$remark"
done
exit "$over"
