#!/usr/bin/env bash
# Formatting, vet, the linters of .golangci.yml and the freshness of generated files. The linters are built from their
# pinned versions in tools/go.mod, so they never enter the product's own modules.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

say gofmt
unformatted=$(git ls-files '*.go' | grep -v '_templ\.go$' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "$unformatted"; exit 1; }
say "go vet"
go vet ./...
say "go mod verify, go mod tidy"
go mod verify
go mod tidy -diff
say "staticcheck"
go tool -modfile=tools/go.mod staticcheck ./...
say "golangci-lint"
go tool -modfile=tools/go.mod golangci-lint run ./...
say "generated files"
scripts/generate.sh
git diff --exit-code --stat -- '*_templ.go' internal/store/sqlc docs/openapi.json docs/api.md
echo "govulncheck: not run (its database is not part of this repository)"
