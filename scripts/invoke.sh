#!/usr/bin/env bash
# What `make invoke` runs: one golden event, given to a function of a running `make watch`.
set -euo pipefail
cd "$(dirname "$0")/.."
function=${1:-} case=${2:-}
port=${AUTH__HTTP__PORT:-8080}
base=http://localhost:$port
event=events/$function/$case.json
if [ -z "$function" ] || [ -z "$case" ] || [ ! -e "$event" ] || [[ $case == *.response ]]; then
    echo "There is no $event. These can be invoked:" >&2
    for file in events/*/*.json; do
        [[ $file != *.response.json ]] || continue
        file=${file#events/} file=${file%.json}
        echo "  make invoke F=${file%/*} E=${file#*/}" >&2
    done
    exit 2
fi
# shellcheck disable=SC2016  # the events' placeholders, not variables
if grep -q '_LINK}' "$event" && [ -z "${TOKEN:-}" ]; then
    echo "$event has the token of a mailed link. Take it from the outbox that \`make watch\` has printed, and say it:" >&2
    echo "  make invoke F=$function E=$case TOKEN=…" >&2
    exit 2
fi
curl -s -o /dev/null "$base/health" || { echo "Nothing answers on $base: start \`make watch\` first." >&2; exit 1; }

filled=$(mktemp)
trap 'rm -f "$filled"' EXIT
cp "$event" "$filled"
# Events speak of a user who exists, and of what a sign-in gave.
# shellcheck disable=SC2016  # the events' placeholders, not variables
if [ "$function" = login ] || grep -q '\${' "$event"; then
    credentials='"email":"ada@example.com","password":"analytical engines hum"'
    post() { curl -s "$base$1" -H 'Content-Type: application/json' -d "$2"; }
    post /v1/register "{$credentials,\"name\":\"Ada\"}" >/dev/null
    if [ "$function" != login ]; then
        signed_in=$(post /v1/login "{$credentials}")
        member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$signed_in"; }
        [ -n "$(member access_token)" ] || { echo "ada@example.com cannot sign in: $signed_in" >&2; exit 1; }
        sed -e "s/\${ACCESS_TOKEN}/$(member access_token)/g" -e "s/\${REFRESH_TOKEN}/$(member refresh_token)/g" \
            -e "s/\${SESSION_ID}/$(member session_id)/g" -e "s/\${[A-Z_]*_LINK}/${TOKEN:-}/g" "$event" >"$filled"
    fi
fi
.tools/cargo-lambda/bin/cargo-lambda lambda invoke "$function" --invoke-address 127.0.0.1 --invoke-port "$port" \
    --data-file "$filled" --output-format json
