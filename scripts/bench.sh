#!/usr/bin/env bash
# Measures what Exhibit costs; docs/benchmarks.md explains the numbers. Arguments go to the benchmark:
#   scripts/bench.sh -events 1000000 -pages 100
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/exhibit ./cmd/exhibit
go build -o bin/bench ./scripts/bench
exec bin/bench "$@"
