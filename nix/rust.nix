# What every build of the Rust workspace shares: the sources, and the dependencies, built once.
{ lib, craneLib }:
let
  # Only what cargo reads, so that a change of a document builds nothing anew.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Cargo.lock
      ../Cargo.toml
      ../Fetcher.toml # built into the binary
      ../clippy.toml
      ../deny.toml
      ../rustfmt.toml
      ../examples
      ../harness
      ../simulator
      ../src
      ../tests
    ];
  };
  common = {
    inherit src;
    strictDeps = true;
  };
  cargoArtifacts = craneLib.buildDepsOnly (common // { cargoExtraArgs = "--locked --workspace"; });
in
{
  inherit src common cargoArtifacts;

  # Builds a part of the workspace on top of the dependencies. Tests are a check of their own.
  build =
    args:
    craneLib.buildPackage (
      common
      // {
        inherit cargoArtifacts;
        doCheck = false;
      }
      // args
    );
}
