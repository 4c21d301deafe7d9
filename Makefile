# `make` lists the targets; `make run` needs nothing but Go, and so does
# `make test`, which needs a C compiler for the race detector alone.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail
GO ?= go
# Generators and linters have their own module, so that the service does not
# depend on their dependencies. They are built from source, at pinned versions.
TOOL := CGO_ENABLED=0 GOFLAGS='-mod=readonly -pgo=off' $(GO) tool -modfile=tools.mod
# The time limit of the tests of one package, for a busy machine.
TEST_TIMEOUT ?= 30m
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: run
run: build ## Run the service on an embedded PostgreSQL, http://127.0.0.1:8080
	@exec bin/byline serve

.PHONY: build
build: ## Build bin/byline
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/byline ./cmd/byline

# Programs are compiled with the profile cmd/byline/default.pgo. Tests and
# checks are not, since all dependencies would be compiled again for each
# program.
.PHONY: test
test: ## Run all tests with the race detector, on a real PostgreSQL
	@race=-race; if ! command -v "$$($(GO) env CC)" >/dev/null; then race=; \
	  [ -z "$$CI" ] || { echo "make test: the race detector needs a C compiler" >&2; exit 1; }; \
	  echo "make test: no C compiler ($$($(GO) env CC)) is installed, so the tests run WITHOUT the race detector" >&2; fi; \
	set -x; $(GO) test -pgo=off $$race -shuffle=on -timeout $(TEST_TIMEOUT) ./... && \
	(cd sdk/go && $(GO) test $$race -shuffle=on -timeout $(TEST_TIMEOUT) ./...)

.PHONY: guard
guard: ## Check the exact allocations of the main reads (without the race detector, which allocates)
	$(GO) test -pgo=off -count=1 -run '^TestAllocations$$' ./server

.PHONY: cache-test
CACHE_TIME ?= 10m
cache-test: ## Compare cached responses of two replicas with uncached ones after random writes, for a time: make cache-test CACHE_TIME=1h
	BYLINE_TEST_CACHE=$(CACHE_TIME) $(GO) test -pgo=off -count=1 -timeout 0 -v -run '^TestCacheChangesNothing$$' ./server

.PHONY: replica-test
REPLICA_PAIRS ?= 10000
replica-test: ## Read what was written from two standbys, with one late and with faults, and count what is stale: make replica-test REPLICA_PAIRS=10000
	BYLINE_TEST_REPLICAS=$(REPLICA_PAIRS) $(GO) test -pgo=off -count=1 -timeout 30m -v -run '^TestReplicas' ./cmd/byline

.PHONY: chaos
chaos: ## Inject the slow faults too, and write the table of docs/faults.md
	BYLINE_CHAOS=1 BYLINE_TEST_DOWNLOAD=1 BYLINE_CHAOS_PAGE='$(CURDIR)/docs/faults.md' $(GO) test -pgo=off -run Chaos -count=1 -timeout 20m -v ./cmd/byline

.PHONY: backup-test
ARTICLES = 1000000
backup-test: ## Take a million articles (ARTICLES=n) from PostgreSQL 15 to 18 and back by backups, and compare everything
	BYLINE_TEST_DOWNLOAD=1 BYLINE_BACKUP_ARTICLES=$(ARTICLES) $(GO) test -pgo=off -run TestBackupRoundTrips -count=1 -timeout 3h -v ./cmd/byline

.PHONY: pitr-test
pitr-test: ## Return to the moment before a mistake with pgBackRest, by the commands of docs/backup.md
	BYLINE_TEST_PGBACKREST=1 $(GO) test -pgo=off -run TestPointInTime -count=1 -timeout 20m -v ./cmd/byline

.PHONY: ha
ha: build ## As root: start three machines with deploy/ha, inject faults under load in 20 rounds, each kind at least once, and write the table of docs/faults.md: make ha HA='--rounds 5 --only leader'
	deploy/ha/lab/install '$(CURDIR)/.cache/ha'
	$(GO) build -trimpath -o bin/ha ./deploy/ha/lab
	bin/ha --page '$(CURDIR)/docs/faults.md' $(HA)

.PHONY: fuzz
# FUZZTIME is a count and not a duration: up to Go 1.26, a target can fail at
# the end of a duration although it found nothing (go.dev/issue/75804).
fuzz: ## Fuzz every parser (FUZZTIME=100000x is the number of inputs for each)
	@set -e; targets=$$($(GO) test -pgo=off -list '^Fuzz' ./... | awk '/^Fuzz/ {names[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}'); \
	count=0; while read -r pkg target; do \
	  echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-100000x} $$pkg; count=$$((count + 1)); \
	done <<< "$$targets"; [ $$count -ge 10 ] || { echo "only $$count fuzz targets" >&2; exit 1; }; \
	echo "$$count fuzz targets, $${FUZZTIME:-100000x} each: no failure"

.PHONY: attack
attack: build ## Send the service thousands of hostile requests; ATTACK has flags: make attack ATTACK='--only tokens'
	$(GO) build -trimpath -o bin/attack ./cmd/attack
	bin/attack $(ATTACK)

generate = echo 'generate: building the generators, which takes minutes the first time'; \
  OAPI_CODEGEN=$$($(TOOL) -n oapi-codegen) SQLC=$$($(TOOL) -n sqlc) gen/generate

.PHONY: generate
generate: ## Generate gen/ from openapi.yaml and db/queries
	@$(generate)

.PHONY: verify
verify: ## Fail if gen/ does not match openapi.yaml and db/queries
	@$(generate) verify
	@for module in . deploy/image; do (cd $$module && $(GO) mod verify && $(GO) mod tidy -diff) || exit 1; done

SDK_GENERATED := $(addprefix sdk/go/,client.gen.go services.gen.go types.gen.go examples.gen_test.go samples.json) \
  sdk/typescript/src/generated sdk/typescript/samples.json sdk/python/src/byline_client/generated sdk/python/samples.json server/pages/samples.json

.PHONY: committed
committed: ## Fail if generated files, of gen/ or of the SDKs, are not committed (for CI)
	@drift=$$(git status --porcelain --untracked-files=all -- gen $(SDK_GENERATED)); if [ -n "$$drift" ]; then \
	  echo "generated files are not committed:"; echo "$$drift"; exit 1; fi

.PHONY: lint
lint: ## Run gofmt, go vet and staticcheck
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard '*.go' | while IFS= read -r -d '' file; do \
	  if [ -e "$$file" ]; then printf '%s\0' "$$file"; fi; done | xargs -0 -r gofmt -l); if [ -n "$$unformatted" ]; then \
	  echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -pgo=off ./...
	cd deploy/image && $(GO) vet ./...
	$(TOOL) staticcheck ./...
	cd sdk/go && $(GO) vet ./...
	@staticcheck=$$($(TOOL) -n staticcheck) && cd sdk/go && "$$staticcheck" ./... && $(GO) mod tidy -diff

.PHONY: recipe
recipe: ## Apply the example of docs/development.md to a copy, and each omission too (needs Python)
	.ci/recipe

.PHONY: mutants
mutants: ## Take out each protection of docs/security.md; its tests must fail (needs Python; MUTANTS='--only 7.4.1' for some rows)
	.ci/mutants/run $(MUTANTS)

.PHONY: contract
contract: build ## Test the service against openapi.yaml with schemathesis (CONTRACT_EXAMPLES=50 for each operation)
	.ci/contract/run bin/byline

.PHONY: spec-lint
spec-lint: ## Lint openapi.yaml by its own rules and the recommended ones (needs npm)
	@.ci/spec/lint-test
	@.ci/spec/lint

.PHONY: spec-breaking
spec-breaking: ## Fail if openapi.yaml breaks clients of the last release
	@.ci/spec/breaking-test
	@.ci/spec/breaking

.PHONY: api-changelog
api-changelog: ## Write docs/api-changelog.md: what has changed in the API since the last release
	@.ci/spec/changelog

# The benchmark has its own module too. BENCH has its flags, for bench and
# bench-compare: make bench BENCH='--scale 1,100'
bench_build = cd bench && $(GO) build -trimpath -o ../bin/bench . && $(GO) build -trimpath -o ../bin/bench-constant ./constant

.PHONY: bench-build
bench-build: ## Build bin/bench, which measures any RealWorld backend: bin/bench --url http://127.0.0.1:3000/api
	$(bench_build)

.PHONY: bench
bench: build ## Measure throughput, latency and memory, and compare them with the limits of the machine
	@$(bench_build)
	bin/bench $(BENCH)

.PHONY: pgo
pgo: build ## Update cmd/byline/default.pgo, the profile for the compiler, from the benchmark
	@$(bench_build)
	bin/bench --only '^(article|list|feed|tags|comments|profile|create|mix$$)' --time 6s --rates none --ceiling-time 0 --profile cmd/byline/default.pgo

.PHONY: bench-test
bench-test: ## Test the benchmark itself
	cd bench && $(GO) vet ./... && $(GO) test ./...

.PHONY: bench-compare
bench-compare: build ## Measure this build and the build of a git ref in turn: make bench-compare BASE=v0.1.0
	@test -n "$(BASE)" || { echo "name a git ref: make bench-compare BASE=v0.1.0" >&2; exit 1; }
	@$(bench_build)
	bin/bench compare --base $(BASE) $(BENCH)

.PHONY: scaling
scaling: build ## Measure what requests, rows and questions cost, and compute the tables of docs/scaling.md: make scaling SCALING=--compute
	@$(bench_build)
	bin/bench scaling $(SCALING)

.PHONY: migrate-load
migrate-load: build ## Migrate a database of a git ref while its service is under load, and print the longest locks: make migrate-load BASE=v0.1.0 BENCH='--articles 1000000'
	@test -n "$(BASE)" || { echo "name a git ref: make migrate-load BASE=v0.1.0" >&2; exit 1; }
	@$(bench_build)
	bin/bench migrate --base $(BASE) $(BENCH)

.PHONY: migrate-lint
migrate-lint: ## Lint the migrations with squawk and rules of our own (needs Python)
	@.ci/migrations/test
	@.ci/migrations/run

.PHONY: leave-node
leave-node: build ## Move a running Express and Prisma backend to Byline under load, and check that nobody notices: make leave-node LEAVE='--rate 20'
	cd bench && $(GO) build -trimpath -o ../bin/leave ./leave
	bin/leave $(LEAVE)

.PHONY: bench-proxies
bench-proxies: build ## Measure what byline strangle adds to a response, beside nginx (which must be installed): make bench-proxies PROXIES='--rounds 3'
	@$(bench_build)
	cd bench && $(GO) build -trimpath -o ../bin/proxies ./proxies
	bin/proxies $(PROXIES)

.PHONY: smoke
smoke: build ## Run the main requests with curl, as root and as another user
	.ci/smoke bin/byline

.PHONY: browser-test
browser-test: build ## Open every page in headless Chromium (BYLINE_BROWSER=required fails without one)
	.ci/browser/run bin/byline

.PHONY: docs-assets
docs-assets: ## Write the pinned build of the API reference, and the lexers of code in guides, again
	server/pages/fetch-reference
	$(GO) run -pgo=off server/pages/lexers/fetch.go server/pages/lexers

# These files are written last, so that an interrupted installation is repeated.
SDK_TOOLS := sdk/typescript/node_modules/.package-lock.json sdk/python/.venv/installed

.PHONY: sdk-go
sdk-go: ## Generate the generated part of the Go SDK only (needs nothing but Go)
	$(GO) run ./sdk/gogen openapi.yaml sdk/go

.PHONY: sdk
sdk: sdk-go $(SDK_TOOLS) ## Generate the generated parts of the SDKs from openapi.yaml
	npm --prefix sdk/typescript --silent run generate
	sdk/python/.venv/bin/python sdk/python/generate.py
	sdk/samples

.PHONY: sdk-verify
sdk-verify: $(SDK_TOOLS) ## Fail if the SDKs do not match openapi.yaml, or have another version
	@sdk/version
	@before=$$(mktemp -d) && tar cf - $(SDK_GENERATED) | tar xf - -C $$before && $(MAKE) --no-print-directory sdk \
	  && for path in $(SDK_GENERATED); do diff -r -x __pycache__ $$before/$$path $$path || exit 1; done && rm -rf $$before

.PHONY: sdk-test
sdk-test: build $(SDK_TOOLS) ## Test the SDKs, run the same scenarios with each against the binary, and what the guides show
	cd sdk/go && GOTOOLCHAIN=go$$(sed -n 's/^go //p' go.mod) $(GO) test -count=1 ./...
	npm --prefix sdk/typescript --silent run check
	npm --prefix sdk/typescript --silent run test:oldest
	cd sdk/python && .venv/bin/ruff check --quiet && .venv/bin/ruff format --quiet --check && .venv/bin/mypy && .venv/bin/pyright --pythonpath .venv/bin/python
	sdk/scenario
	BYLINE_TEST_SDKS=1 $(GO) test -pgo=off -count=1 -run '^TestGuide(Programs|Installation)$$' ./cmd/byline

.PHONY: sdk-versions
sdk-versions: ## Test the Python SDK with each supported version of Python that is installed
	sdk/python/test-versions

.PHONY: sdk-version
sdk-version: ## Print the version of the SDKs, or set it: make sdk-version SET=0.2.0
	@sdk/version $(SET)

.PHONY: sdk-release
sdk-release: ## Pack the SDKs of HEAD into dist/sdk for their registries, and install each from there
	@GO='$(GO)' sdk/release dist/sdk

sdk/typescript/node_modules/.package-lock.json: sdk/typescript/package-lock.json
	npm --prefix sdk/typescript --silent ci --no-audit --no-fund
	@touch $@

sdk/python/.venv/installed: sdk/python/pyproject.toml
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --editable 'sdk/python[dev]'
	@touch $@

IMAGE_PLATFORMS ?= linux/amd64 linux/arm64

.PHONY: image
image: ## Build the container image without a container engine: dist/image, and archives for docker load
	@rm -rf dist/image && mkdir -p dist/image && work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && built=() && set -e; \
	for platform in $(IMAGE_PLATFORMS); do binary=$$work/$${platform//\//-}; built+=("$$platform=$$binary"); \
	  CGO_ENABLED=0 GOFLAGS=-mod=readonly GOAMD64=v1 GOARM64=v8.0 GOOS=$${platform%/*} GOARCH=$${platform#*/} \
	    $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $$binary ./cmd/byline; done; \
	cd deploy/image && $(GO) run . build --version '$(VERSION)' --commit '$(COMMIT)' --created "$$(git show -s --format=%ct)" \
	  --output $(CURDIR)/dist "$${built[@]}" && ls -l ../../dist/byline-image-*.tar

.PHONY: release-check
release-check: ## Build the release of HEAD into dist/ and check it: archives, image, SBOMs, licenses, checksums, notes
	@GO='$(GO)' .ci/release-check

.PHONY: release
release: ## Build everything that the page of a release offers into dist/: every system, built twice, and the SDKs
	@GO='$(GO)' RELEASE_REBUILD=all .ci/release-check
	@$(MAKE) --no-print-directory sdk-release

.PHONY: completions
completions: build ## Write completions for bash, zsh, fish and PowerShell to dist/completions
	@mkdir -p dist/completions
	@set -e; for shell in bash:byline zsh:_byline fish:byline.fish powershell:byline.ps1; do \
	  bin/byline completion $${shell%:*} > dist/completions/$${shell#*:}; done
	@ls dist/completions

.PHONY: outdated
outdated: ## List the dependencies that have a newer version
	@GO='$(GO)' .ci/outdated

.PHONY: licenses
licenses: ## Write docs/licenses.md; fail on a license that is unknown or not permitted
	@GO='$(GO)' .ci/release-licenses list > docs/licenses.md.new || { rm docs/licenses.md.new; exit 1; }
	@mv docs/licenses.md.new docs/licenses.md
