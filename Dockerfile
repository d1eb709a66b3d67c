# The image of the service for machines without Nix, on public base images; nix/image.nix builds the same
# without them. It needs no BuildKit. Replace the base images by --build-arg RUST_IMAGE=... or RUNTIME_IMAGE=...
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:latest

FROM ${RUST_IMAGE} AS build
WORKDIR /build

# The dependencies, in a layer that is rebuilt only when they change: stubs stand in for the programs.
COPY Cargo.toml Cargo.lock ./
COPY crates/harness/Cargo.toml crates/harness/
COPY crates/simulator/Cargo.toml crates/simulator/
COPY crates/torture/Cargo.toml crates/torture/
RUN mkdir --parents src benches/whole benches/stages \
        crates/harness/src crates/simulator/src crates/torture/src \
    && touch src/lib.rs crates/harness/src/lib.rs crates/simulator/src/lib.rs \
    && touch benches/whole/main.rs benches/stages/main.rs benches/stages/count.rs \
    && echo 'fn main() {}' | tee src/main.rs crates/simulator/src/main.rs > crates/torture/src/main.rs \
    && cargo build --release --locked --bin event-fetcher

# Cargo compares modification times, and those of a checkout may be older than the stubs built above.
COPY Fetcher.toml ./
COPY src src
ARG REVISION=
RUN touch src/lib.rs src/main.rs \
    && EVENT_FETCHER_REVISION="${REVISION}" cargo build --release --locked --bin event-fetcher

FROM ${RUNTIME_IMAGE}
COPY --from=build /build/target/release/event-fetcher /usr/local/bin/event-fetcher
COPY Fetcher.toml /etc/event-fetcher/Fetcher.toml

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="service.event-fetcher" \
      org.opencontainers.image.description="Fetches the updates of a VK community and routes them as typed events over Redis" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.url="https://github.com/FUNCKA-TOASTER" \
      org.opencontainers.image.licenses="MIT"

# EVENT_FETCHER_IMAGE lets the service warn of a token that was built into the image.
# MALLOC_*: glibc returns large blocks to the system when they are freed, instead of keeping up to 64 MiB.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    EVENT_FETCHER_IMAGE=1

EXPOSE 8080
STOPSIGNAL SIGTERM
USER 65532:65532
WORKDIR /
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/event-fetcher", "health"]
ENTRYPOINT ["/usr/local/bin/event-fetcher"]

# Whoever has an image can read the arguments of its build. Better mount the token as /run/secrets/token, which
# takes precedence over this one. Empty values count as unset.
ARG TOKEN=
ARG GROUPID=
ENV TOKEN=${TOKEN} \
    GROUPID=${GROUPID}
