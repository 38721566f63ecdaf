#!/usr/bin/env bash
# Runs every fuzz target of the project for a time each: scripts/fuzz.sh TIME [REGEXP]
# With a regular expression only the targets whose name matches it are run.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
only=${2:-.}

# fuzz runs one target. The go command now and then reports "context deadline exceeded" when the time is up while a
# worker is starting; no input is at fault then, none is written, and the target is run once more.
fuzz() {
	local log
	log=$(mktemp)
	for attempt in 1 2; do
		if go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 300x </dev/null 2>&1 | tee "$log"; then
			rm -f "$log"
			return 0
		fi
		if grep -q 'Failing input written' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
			break
		fi
	done
	rm -f "$log"
	return 1
}

found=0
while IFS=: read -r file name; do
	found=$((found + 1))
	printf '\n== %s %s for %s\n' "$(dirname "$file")" "$name" "$time"
	fuzz "./$(dirname "$file")" "$name"
done < <(grep -roE '^func Fuzz[A-Za-z0-9]+' --include='*_test.go' cmd internal | sed 's/func //' | grep -E ":Fuzz($only)" | sort)
[ "$found" -gt 0 ] || { echo "no fuzz target matches $only"; exit 1; }
