# The checks of `nix flake check`. All Rust checks share the same built dependencies.
{
  lib,
  runCommand,
  craneLib,
  callPackage,
  openssl,
  procps,
  python3,
  redis,
  util-linux,
  rust,
  event-fetcher,
  sbom,
  simulator,
  demo,
  shell,
  nixpkgs,
  self,
  advisory-db,
}:
let
  inherit (rust) checked;
in
{
  inherit sbom simulator shell;
  package = event-fetcher;

  clippy = craneLib.cargoClippy (
    checked // { cargoClippyExtraArgs = "--all-targets -- --deny warnings"; }
  );

  rustfmt = craneLib.cargoFmt rust.common;

  # The tests start redis-server themselves, on free ports.
  tests = craneLib.cargoNextest (
    checked
    // {
      src = rust.testSrc;
      nativeBuildInputs = [
        openssl
        procps # kill
        python3
        redis
        util-linux # script
      ];
    }
  );

  doctests = craneLib.cargoDocTest checked;

  docs = craneLib.cargoDoc (
    checked
    // {
      cargoDocExtraArgs = "--no-deps --document-private-items";
      env.RUSTDOCFLAGS = "--deny warnings";
    }
  );

  deny = craneLib.cargoDeny rust.common;

  audit = craneLib.cargoAudit {
    inherit (rust) src;
    inherit advisory-db;
  };

  # Fails if an event is lost or duplicated.
  demo = runCommand "event-fetcher-demo" { } ''
    ${lib.getExe demo} | tee "$out"
  '';

  python = callPackage ./tests/python.nix { };
  nix = callPackage ./tests/nix.nix { };
  module = callPackage ./tests/module.nix { inherit nixpkgs self; };
  image = callPackage ./tests/image.nix { };
}
