# Everything runs on a machine with Rust, make and a package manager.

CARGO ?= cargo
SECONDS ?= 20

.PHONY: help demo test lint fuzz

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Shows the whole way: a simulated VK, the service, a Redis, events arriving, a summary
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --release --bin event-fetcher --example demo
	@target/release/examples/demo

test: ## Runs every test
	@scripts/need redis-server redis-server openssl openssl cc gcc
	$(CARGO) test --workspace

lint: ## Format, lints and documentation, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

fuzz: ## Feeds each fuzz target nonsense for SECONDS=20
	@scripts/need g++ g++ cc gcc
	@scripts/fuzz $(SECONDS)
