#!/usr/bin/env bash
# Makes the generated files again with the generators that tools/go.mod pins: queries, page components, API document.
# The first time it builds sqlc, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
go tool -modfile=tools/go.mod sqlc generate
go tool -modfile=tools/go.mod templ generate -path internal/web
go test ./internal/web -run 'TestOpenAPI' -update
