#!/usr/bin/env bash
# Installs what some tests call, pinned: PyJWT, Authlib, requests-oauth2client and standardwebhooks into .tools/interop-venv,
# aiosmtpd into .tools/smtp-venv, jose, openid-client and oauth4webapi into tests/interop/node_modules, Playwright (without a
# browser of its own) and axe-core into tests/browser/node_modules, what the examples sign people in with into theirs, and what makes
# and checks the TypeScript client into sdk/typescript/node_modules.
# Prints a line `name: reason` for each that cannot be had, and nothing else on standard output.
set -euo pipefail
cd "$(dirname "$0")"

# A copy of the pins is laid down last, so that an installation that was cut short is made again.
# The packages of a file in interop/, in an environment of their own.
python_packages() {
    local name=$1 pins=interop/$2 venv=../.tools/$3
    command -v python3 >/dev/null || { echo "Python 3 is missing"; return; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python is older than 3.11"; return; }
    if cmp -s "$pins" "$venv/requirements.txt" && [ -x "$venv/bin/python" ]; then return; fi
    echo "Installing $name into .tools/$3 …" >&2
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >&2 || ! "$venv/bin/python" -m pip install --quiet --no-input --no-deps \
        --disable-pip-version-check --only-binary :all: --requirement "$pins" >&2; then
        rm -rf "$venv"
        echo "it could not be installed"
        return
    fi
    cp "$pins" "$venv/requirements.txt"
}

pyjwt() {
    python_packages PyJWT requirements.txt interop-venv
}

aiosmtpd() {
    python_packages aiosmtpd smtp-requirements.txt smtp-venv
}

# What package-lock.json of this folder pins.
packages() {
    command -v node >/dev/null || { echo "Node.js is missing"; return; }
    command -v npm >/dev/null || { echo "npm is missing"; return; }
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js is older than 20"; return; }
    if cmp -s "$1/package-lock.json" "$1/node_modules/.pins"; then return; fi
    echo "Installing the packages of $(basename "$1") …" >&2
    if ! npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts --loglevel=error >&2; then
        rm -rf "$1/node_modules"
        echo "they could not be installed"
        return
    fi
    cp "$1/package-lock.json" "$1/node_modules/.pins"
}

jose() {
    packages interop
}

browser() {
    command -v chromium chromium-browser google-chrome >/dev/null || { echo "Chromium is missing"; return; }
    packages browser
    packages ../examples/web
    packages ../examples/oidc-spa
    packages ../examples/react
    packages ../examples/nextjs
    node_lambda
}

# It has a copy of the verifier, which may have changed since.
node_lambda() {
    diff -rq ../edge/verifier ../examples/node-lambda/node_modules/@wardgate/verifier >/dev/null 2>&1 ||
        rm -f ../examples/node-lambda/node_modules/.pins
    packages ../examples/node-lambda
}

nodejs() {
    packages ../sdk/typescript
    node_lambda
}

for part in pyjwt aiosmtpd jose browser nodejs; do
    reason=$($part)
    [ -z "$reason" ] || echo "$part: $reason"
done
