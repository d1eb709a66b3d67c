# What `nix flake check` asks for. All Rust checks build on the same dependencies.
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

  # With a real redis-server, which the tests start themselves on free ports.
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
# A virtual machine needs hardware of its own kind.
// lib.optionalAttrs stdenv.hostPlatform.isx86_64 {
  vm = callPackage ./tests/vm.nix { inherit self; };
}
