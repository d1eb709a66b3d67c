# Everything runs on a machine with Rust, make and a package manager.

CARGO ?= cargo

.PHONY: help demo test test-redis lint torture soak fuzz bench bench-stages count

# How long `make torture` and each target of `make fuzz` run, in seconds; for `make torture` also how many
# updates a second, and the seed of an earlier run.
SECONDS ?= 60
RATE ?= 1000
SEED ?=
# For `make soak`.
UPDATES ?= 1000000

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Shows the whole way: a simulated VK, the service, a Redis, events arriving, a summary
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --bin event-fetcher --example demo
	@$(CARGO) run --quiet --example demo

test: ## Runs every test, also those of the Python package
	@scripts/need redis-server redis-server openssl openssl cc gcc python3 python3 \
	    'python3 -m ensurepip --version' python3-venv
	-@scripts/need 'command -v chromium || command -v google-chrome' chromium # else the page goes unseen
	$(CARGO) test --workspace -- --test-threads 8
	clients/python/run-tests

test-redis: ## Runs the behaviour tests against other servers: REDIS="valkey-server /opt/redis/redis-server"
	@scripts/test-redis $(REDIS)

torture: ## Kills, stops, cuts and stalls everything at random, then counts: SECONDS=60 RATE=1000 SEED=
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --release --bin event-fetcher --package event-fetcher --package torture --bin torture
	@target/release/torture run --seconds $(SECONDS) --rate $(RATE) $(if $(SEED),--seed $(SEED))

soak: ## Fetches a million updates and shows that memory stays flat: UPDATES=1000000
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --release --bin event-fetcher --package event-fetcher --package torture --bin torture
	@target/release/torture soak --updates $(UPDATES)

lint: ## Format, lints and documentation, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

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
