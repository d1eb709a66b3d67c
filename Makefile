# Every target runs on a machine with Rust, make and a package manager.

CARGO ?= cargo

.PHONY: help demo test test-redis lint torture soak fuzz bench bench-stages count packages

TARGET = $(or $(CARGO_TARGET_DIR),target)
# Cargo unifies features over all packages that it builds: these arguments give the features of the tests, so that
# their build is reused. The example brings the dev-dependencies in.
AS_TESTED = --workspace --example demo
TORTURE = --package event-fetcher --package torture

# SECONDS: how long `make torture` and each target of `make fuzz` run. RATE and SEED are for `make torture`: updates
# a second, and the seed of a run to repeat.
SECONDS ?= 60
RATE ?= 1000
SEED ?=
# PROFILE=dev lets `make torture` use the binaries that the tests were built with.
PROFILE ?= release
# The target of static programs.
MUSL = $(shell uname -m)-unknown-linux-musl
# UPDATES is for `make soak`.
UPDATES ?= 1000000

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Runs the service between a simulated VK and a Redis, shows events arrive, and checks that none is lost
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet $(AS_TESTED) --bin event-fetcher
	@$(TARGET)/debug/examples/demo

test: ## Runs every test, including those of the Python package
	@scripts/need redis-server redis-server openssl openssl cc gcc python3 python3 \
	    'python3 -m ensurepip --version' python3-venv
	-@scripts/need 'command -v chromium || command -v google-chrome' chromium # the browser tests of the page are skipped without it
	@[ -n "$$VK_SCHEMA_DIR" ] || echo "SKIPPED: the test with VK's official schema; set VK_SCHEMA_DIR to a folder with it"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    set -x; $(CARGO) nextest run --workspace && $(CARGO) test --quiet --workspace --doc; \
	else \
	    set -x; $(CARGO) test --workspace -- --test-threads 8; \
	fi
	clients/python/run-tests

test-redis: ## Runs the behaviour tests against other servers: REDIS="valkey-server /opt/redis/redis-server"
	@scripts/test-redis $(REDIS)

torture: ## Kills, stops and disconnects processes at random, then counts losses: SECONDS=60 RATE=1000 SEED=
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --profile $(PROFILE) $(if $(filter dev,$(PROFILE)),$(AS_TESTED),$(TORTURE)) \
	    --bin event-fetcher --bin torture
	@$(TARGET)/$(PROFILE:dev=debug)/torture run --seconds $(SECONDS) --rate $(RATE) $(if $(SEED),--seed $(SEED))

soak: ## Fetches a million updates and shows that memory stays flat: UPDATES=1000000
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --release $(TORTURE) --bin event-fetcher --bin torture
	@$(TARGET)/release/torture soak --updates $(UPDATES)

lint: ## Checks format, lints and documentation; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items \
	    --lib --bin torture --examples # the example unifies features as above

fuzz: ## Runs each fuzz target for SECONDS=60
	@scripts/need g++ g++ cc gcc
	@scripts/fuzz $(SECONDS)

bench: ## Measures the service as a process, and its bounds: ARGS="--runs 3 --growth"
	@scripts/need redis-server redis-server redis-benchmark redis-tools cc gcc
	@$(CARGO) bench --quiet --bench whole -- $(ARGS)

bench-stages: ## Measures each stage by itself: ARGS="encode --sample-count 1000"
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) bench --quiet --bench stages -- $(ARGS)

packages: ## Makes .deb and .rpm packages of a static program, an SBOM and provenance, in target/packages
	@scripts/need musl-gcc musl-tools cc gcc
	@rustup target add $(MUSL)
	EVENT_FETCHER_REVISION=$$(git rev-parse HEAD) $(CARGO) build --release --locked --bin event-fetcher --target $(MUSL)
	rm -rf $(TARGET)/packages
	scripts/package $(TARGET)/$(MUSL)/release/event-fetcher $(TARGET)/packages
	scripts/sbom $(MUSL) >$(TARGET)/packages/event-fetcher.cdx.json
	scripts/provenance $(TARGET)/packages/*.deb $(TARGET)/packages/*.rpm >$(TARGET)/packages/event-fetcher.intoto.json

count: ## Counts the instructions of each stage; exactly reproducible
	@scripts/need valgrind valgrind cc gcc
	@scripts/count-instructions
