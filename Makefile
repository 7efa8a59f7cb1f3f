# Sluice: everything a developer or CI runs. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BUILD   ?= $(CURDIR)/.build
BIN     := $(CURDIR)/bin
IMAGES  := $(BUILD)/images
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
GOBUILD := go build -ldflags '$(LDFLAGS)'
TOOL    := go tool -modfile=tools/go.mod

# One set of flags for everything, so that building, testing and linting share one compile cache.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -buildvcs=false

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- building -------------------------------------------------------------------------------

.PHONY: build
build: ## build the binaries into bin/
	@mkdir -p $(BIN)
	$(GOBUILD) -o $(BIN)/ ./cmd/...
	@ln -sf sluice $(BIN)/kubectl-sluice
	@ln -sf sluice $(BIN)/kubectl_complete-sluice

.PHONY: images
images: build localkube-tools ## build the images as archives, without Docker or a registry
	@mkdir -p $(IMAGES) $(BUILD)/bin
	$(GOBUILD) -o $(BUILD)/bin/ ./examples/shop ./test/amp/cmd/amp ./test/prom/cmd/prom
	./test/stage/images.sh $(IMAGES)

.PHONY: localkube-tools
localkube-tools:
	@$(MAKE) --no-print-directory -C test/localkube all

# ---- checking -------------------------------------------------------------------------------

.PHONY: generate
generate: ## write the generated code and manifests anew
	tools/generate.sh

.PHONY: drift
drift: ## fail when generated files are not what would be generated
	tools/generate.sh --check

.PHONY: fmt
fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

.PHONY: lint
lint: drift ## formatting, lint, generated code, import rules
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(TOOL) golangci-lint run ./...
	@$(MAKE) --no-print-directory -C test/localkube lint
	go test -count=1 -run 'TestArchitecture' .

.PHONY: test
test: localkube-plane ## all tests but those on a real cluster
	go test ./...
	cd tools && go test ./...
	@$(MAKE) --no-print-directory -C test/localkube test

# Tests of the API need etcd and kube-apiserver: built once, without root.
.PHONY: localkube-plane
localkube-plane:
	@$(MAKE) --no-print-directory -C test/localkube plane

.PHONY: race
race: localkube-plane ## the tests under the race detector
	CGO_ENABLED=1 go test -race ./internal/... ./test/amp/... ./examples/...

.PHONY: laws
HISTORIES ?= 100000
laws: ## hold each law over 100,000 random histories (hours; HISTORIES= is another number)
	go test ./internal/simulate -run 'TestLaws|TestCommandsRace' -every -timeout 0 -rapid.checks=$(HISTORIES)

FAULTS ?=
.PHONY: mutants
mutants: ## plant faults in the decisions, one at a time, and see which test notices (FAULTS=words picks some)
	go run ./test/mutants -only '$(FAULTS)'

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME each
	tools/fuzz.sh $(FUZZTIME)

.PHONY: parity
parity: ## hold sluice-load against Artillery itself (from npm, kept in .build/parity: 640 MB)
	SLUICE_PARITY=1 go test ./test/parity -count=1 -parallel 4 -timeout 25m -v

# ---- on a real cluster ----------------------------------------------------------------------

.PHONY: e2e
e2e: images ## end-to-end tests on a one-node cluster of their own (root, Linux)
	go test ./test/e2e -count=1 -timeout 40m -v

.PHONY: demo
demo: images ## the whole story on a local cluster, or DEMO_CLUSTER=existing with KUBECONFIG
	$(GOBUILD) -o $(BUILD)/bin/demo ./test/demo
	$(BUILD)/bin/demo up

.PHONY: demo-down
demo-down: ## remove everything the demo made
	@if [ -x $(BUILD)/bin/demo ]; then $(BUILD)/bin/demo down; fi

.PHONY: bench-cli
bench-cli: build localkube-plane ## how long `sluice get rollout` takes beside kubectl
	go run ./test/bench/cli -sluice $(BIN)/sluice

.PHONY: bench-core
bench-core: build ## what deciding costs: a pass, simulated passes a second, a whole simulation
	go run ./test/bench/core -sluice $(BIN)/sluice

.PHONY: bench-fleet
bench-fleet: build localkube-plane ## what 300 updates at once cost the controller
	go run ./test/bench/fleet

.PHONY: bench-react
bench-react: images ## time from a server's first bad answer to the canary's scale-down
	go run ./test/bench/react

.PHONY: bench-load
ONLY ?=
# Artillery is measured where `make parity` has installed it.
ARTILLERY ?= $(strip $(wildcard $(BUILD)/parity/*/node/node_modules/node-linux-*/bin/node) $(wildcard $(BUILD)/parity/*/node_modules/artillery/bin/run))
bench-load: build ## the load generator beside its targets and other generators (ONLY=rate,stall picks; LONG=1 as long as the targets say)
	go run ./test/bench/load -sluice-load $(BIN)/sluice-load -artillery '$(ARTILLERY)' -only '$(ONLY)' $(if $(LONG),-long)

.PHONY: clean
clean: ## remove what was built (the caches of Go stay)
	rm -rf $(BIN) $(IMAGES) $(BUILD)/bin
