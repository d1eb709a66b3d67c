# Everything runs on a machine with Rust, make and a package manager.

CARGO ?= cargo

.PHONY: help demo test lint

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Shows the whole way: a simulated VK, the service, a Redis, events arriving, a summary
	@scripts/need redis-server redis-server cc gcc
	@$(CARGO) build --quiet --bin event-fetcher --example demo
	@$(CARGO) run --quiet --example demo

test: ## Runs every test, also those of the Python package
	@scripts/need redis-server redis-server cc gcc python3 python3 \
	    'python3 -m ensurepip --version' python3-venv
	$(CARGO) test --workspace -- --test-threads 8
	clients/python/run-tests

lint: ## Format, lints and documentation, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items
