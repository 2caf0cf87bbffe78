#!/usr/bin/env bash
# Installs what the interop tests call, pinned: PyJWT into .tools/interop-venv, jose into tests/interop/node_modules.
# Prints a line `name: reason` for each that cannot be had, and nothing else on standard output.
set -euo pipefail
cd "$(dirname "$0")"
venv=../../.tools/interop-venv

# A copy of the pins is laid down last, so that an installation that was cut short is made again.
pyjwt() {
    command -v python3 >/dev/null || { echo "Python 3 is missing"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python is older than 3.11"; return; }
    if cmp -s requirements.txt "$venv/requirements.txt" && [ -x "$venv/bin/python" ]; then return; fi
    echo "Installing PyJWT into .tools/interop-venv …" >&2
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >&2 || ! "$venv/bin/python" -m pip install --quiet --no-input --no-deps \
        --disable-pip-version-check --only-binary :all: --requirement requirements.txt >&2; then
        rm -rf "$venv"
        echo "it could not be installed"
        return
    fi
    cp requirements.txt "$venv/"
}

jose() {
    command -v node >/dev/null || { echo "Node.js is missing"; return; }
    command -v npm >/dev/null || { echo "npm is missing"; return; }
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js is older than 20"; return; }
    if cmp -s package-lock.json node_modules/.pins; then return; fi
    echo "Installing jose into tests/interop/node_modules …" >&2
    if ! npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2; then
        rm -rf node_modules
        echo "it could not be installed"
        return
    fi
    cp package-lock.json node_modules/.pins
}

for verifier in pyjwt jose; do
    reason=$($verifier)
    [ -z "$reason" ] || echo "$verifier: $reason"
done
