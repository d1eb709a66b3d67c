# The tools that development needs, in the versions that the checks use.
{
  craneLib,
  cargo-audit,
  cargo-deny,
  cargo-nextest,
  deadnix,
  jq,
  nixfmt,
  openssl,
  procps,
  python3,
  redis,
  shellcheck,
  util-linux,
  event-fetcher,
}:
craneLib.devShell {
  # Adds the Rust toolchain.
  inputsFrom = [ event-fetcher ];
  packages = [
    cargo-audit
    cargo-deny
    cargo-nextest
    deadnix
    jq
    nixfmt
    openssl
    procps # kill
    python3
    redis
    shellcheck
    util-linux # script
  ];
}
