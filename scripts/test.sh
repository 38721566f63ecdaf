#!/usr/bin/env bash
# Runs every test. On Debian-like machines it installs what is missing (Chromium, PostgreSQL, strace, openssl) and says so;
# elsewhere it names what it skips. The tests skip by themselves, with a line that says why, when a tool is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v strace >/dev/null || missing+=(strace)
command -v openssl >/dev/null || missing+=(openssl)
if ((${#missing[@]})); then
	if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
		say "Installing for the tests: ${missing[*]}"
		as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
		as_root apt-get update -qq
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
	else
		say "Not installed, so the tests that need them are skipped: ${missing[*]}"
	fi
fi

say "go build, go vet, gofmt"
go build ./...
go vet ./...
unformatted=$(git ls-files '*.go' | grep -v '_templ\.go$' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
	printf 'These files are not formatted (gofmt -w mends them):\n%s\n' "$unformatted"
	exit 1
fi

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; then
	say "PostgreSQL for the tests"
	trap 'scripts/test-postgres.sh stop || true' EXIT
	EXHIBIT_TEST_POSTGRES=$(scripts/test-postgres.sh start)
	export EXHIBIT_TEST_POSTGRES
	echo "$EXHIBIT_TEST_POSTGRES"
else
	say "No PostgreSQL: its half of the store's tests is skipped"
fi

say "go test ./..."
go test -timeout 20m ./...
