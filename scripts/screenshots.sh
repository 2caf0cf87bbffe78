#!/usr/bin/env bash
# Takes a picture of everything that people see, and asks axe-core about it: target/screenshots/index.html.
set -euo pipefail
cd "$(dirname "$0")/.."
out="$PWD/target/screenshots"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo "Chromium is missing." >&2; exit 1; }
command -v python3 >/dev/null || { echo "Serving the example needs Python 3." >&2; exit 1; }
reasons=$(tests/prepare.sh | grep '^browser: ' || true)
[ -z "$reasons" ] || { echo "$reasons" >&2; exit 1; }

folder=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT

GALLERY="$folder/gallery.json" cargo test --quiet --package wardgate --lib gallery >/dev/null
cargo build --quiet --package wardgate-server --features dev

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) page=$(free_port)
python3 -m http.server "$page" --bind localhost --directory examples/spa >/dev/null 2>&1 &
started+=($!)
AUTH__STAGE=development AUTH__EMBEDDED__FOLDER="$folder/data" AUTH__HTTP__PORT="$port" \
    AUTH__HTTP__ALLOWED_ORIGINS="[\"http://localhost:$page\"]" \
    "${CARGO_TARGET_DIR:-target}/debug/wardgate-server" >"$folder/server.log" 2>&1 &
started+=($!)
until curl --silent --fail "http://localhost:$port/health" >/dev/null; do
    kill -0 "${started[1]}" 2>/dev/null || { cat "$folder/server.log" >&2; exit 1; }
    sleep 0.2
done
node tests/browser/screenshots.mjs "$browser" "$folder/gallery.json" "http://localhost:$port" \
    "http://localhost:$page/" "$out"
