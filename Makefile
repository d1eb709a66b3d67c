# Everything runs on a machine with Rust, make and a package manager.

CARGO ?= cargo

.PHONY: help demo test test-redis lint torture soak fuzz bench bench-stages count

TARGET = $(or $(CARGO_TARGET_DIR),target)
# What cargo builds depends on the features that all it is asked for want of their dependencies: asked for
# in this way, it takes what the tests were built with. The example brings the tests' dependencies in.
AS_TESTED = --workspace --example demo
TORTURE = --package event-fetcher --package torture

# How long `make torture` and each target of `make fuzz` run, in seconds; for `make torture` also how many
# updates a second, and the seed of an earlier run.
SECONDS ?= 60
RATE ?= 1000
SEED ?=
# `dev` for a torture of what the tests were built of, without another build.
PROFILE ?= release
# For `make soak`.
UPDATES ?= 1000000

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Shows the whole way: a simulated VK, the service, a Redis, events arriving, a summary
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet $(AS_TESTED) --bin event-fetcher
	@$(TARGET)/debug/examples/demo

test: ## Runs every test, also those of the Python package
	@scripts/need redis-server redis-server openssl openssl cc gcc python3 python3 \
	    'python3 -m ensurepip --version' python3-venv
	-@scripts/need 'command -v chromium || command -v google-chrome' chromium # else the page goes unseen
	@[ -n "$$VK_SCHEMA_DIR" ] || echo "SKIPPED: VK's official schema, since VK_SCHEMA_DIR names no folder with it"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	    set -x; $(CARGO) nextest run --workspace && $(CARGO) test --quiet --workspace --doc; \
	else \
	    set -x; $(CARGO) test --workspace -- --test-threads 8; \
	fi
	clients/python/run-tests

test-redis: ## Runs the behaviour tests against other servers: REDIS="valkey-server /opt/redis/redis-server"
	@scripts/test-redis $(REDIS)

torture: ## Kills, stops, cuts and stalls everything at random, then counts: SECONDS=60 RATE=1000 SEED=
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --profile $(PROFILE) $(if $(filter dev,$(PROFILE)),$(AS_TESTED),$(TORTURE)) \
	    --bin event-fetcher --bin torture
	@$(TARGET)/$(PROFILE:dev=debug)/torture run --seconds $(SECONDS) --rate $(RATE) $(if $(SEED),--seed $(SEED))

soak: ## Fetches a million updates and shows that memory stays flat: UPDATES=1000000
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --release $(TORTURE) --bin event-fetcher --bin torture
	@$(TARGET)/release/torture soak --updates $(UPDATES)

lint: ## Format, lints and documentation, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items \
	    --lib --bin torture --examples # the latter for the same features as above

fuzz: ## Feeds each fuzz target nonsense for SECONDS=60
	@scripts/need g++ g++ cc gcc
	@scripts/fuzz $(SECONDS)

bench: ## Measures whole processes against the simulator, beside what bounds them: ARGS="--runs 3 --growth"
	@scripts/need redis-server redis-server redis-benchmark redis-tools cc gcc
	@$(CARGO) bench --quiet --bench whole -- $(ARGS)

bench-stages: ## Measures each stage of an update's way by itself: ARGS="encode --sample-count 1000"
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) bench --quiet --bench stages -- $(ARGS)

count: ## Counts the instructions of each stage, which repeat exactly
	@scripts/need valgrind valgrind cc gcc
	@scripts/count-instructions
