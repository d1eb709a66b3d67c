# The checks of `nix flake check`. All Rust checks share the same built dependencies.
{
  lib,
  stdenv,
  craneLib,
  callPackage,
  openssl,
  procps,
  python3,
  redis,
  rust,
  event-fetcher,
  nixpkgs,
  self,
  advisory-db,
}:
let
  inherit (rust) cargoArtifacts common src;
  withDependencies = common // {
    inherit cargoArtifacts;
  };
in
{
  package = event-fetcher;

  clippy = craneLib.cargoClippy (
    withDependencies // { cargoClippyExtraArgs = "--workspace --all-targets -- --deny warnings"; }
  );

  rustfmt = craneLib.cargoFmt common;

  # The tests start redis-server themselves, on free ports.
  tests = craneLib.cargoNextest (
    withDependencies
    // {
      src = rust.testSrc;
      cargoNextestExtraArgs = "--workspace";
      nativeBuildInputs = [
        openssl
        procps # kill
        python3
        redis
      ];
    }
  );

  docs = craneLib.cargoDoc (
    withDependencies
    // {
      cargoDocExtraArgs = "--workspace --no-deps --document-private-items";
      env.RUSTDOCFLAGS = "--deny warnings";
    }
  );

  deny = craneLib.cargoDeny common;

  audit = craneLib.cargoAudit { inherit src advisory-db; };

  nix = callPackage ./tests/nix.nix { };
  module = callPackage ./tests/module.nix { inherit nixpkgs self; };
  image = callPackage ./tests/image.nix { };
}
# The virtual machine runs on x86_64 only.
// lib.optionalAttrs stdenv.hostPlatform.isx86_64 {
  vm = callPackage ./tests/vm.nix { inherit self; };
}
