# Exhibit. "make" alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD := -trimpath -ldflags "-X github.com/exhibithq/exhibit/internal/app.Version=$(VERSION)"
FUZZTIME ?= 30s

##@ Use it
.PHONY: demo
demo: ## Build, simulate a company, read 120 days of it, and stay up with the address printed (needs Go alone)
	$(GO) run $(BUILD) ./cmd/exhibit demo

.PHONY: build
build: ## Build bin/exhibit
	$(GO) build $(BUILD) -o bin/exhibit ./cmd/exhibit

##@ Work on it
.PHONY: test
test: ## Run everything: vet, all tests with PostgreSQL and Chromium (installs what is missing on Debian-like machines)
	scripts/test.sh

.PHONY: race
race: ## Run the tests that need no browser under the race detector
	$(GO) test -race -short ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 30s)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: lint
lint: ## Format, vet, staticcheck, golangci-lint, and the check that generated files are fresh
	scripts/lint.sh

.PHONY: generate
generate: ## Make the generated files again (queries, page components, API document)
	scripts/generate.sh

.PHONY: golden
golden: ## Write the golden files of the recipes again; look at the difference before you commit it
	$(GO) test ./internal/recipe/... -update

.PHONY: bench
bench: ## Measure reading, storing and pages; docs/benchmarks.md says what the numbers mean
	scripts/bench.sh

.PHONY: screenshots
screenshots: ## Make docs/screenshots again in both themes and at phone width (needs Chromium)
	scripts/screenshots.sh

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  make %-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)
