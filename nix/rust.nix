# What all builds of the Rust workspace share: the sources, and the dependencies, built once.
{ lib, craneLib }:
let
  # Only what cargo reads, so that a changed document rebuilds nothing.
  files = lib.fileset.unions [
    ../Cargo.lock
    ../Cargo.toml
    ../Fetcher.toml # built into the binary
    ../benches
    ../clippy.toml
    ../crates
    ../deny.toml
    ../rustfmt.toml
    ../examples
    ../src
    ../tests
  ];
  sourceOf =
    fileset:
    lib.fileset.toSource {
      root = ../.;
      inherit fileset;
    };
  src = sourceOf files;

  # Tests also compare the documents, the monitoring and the Python package with the code.
  testSrc = sourceOf (
    lib.fileset.unions [
      files
      ../.config
      ../README.md
      ../clients
      ../deploy/monitoring
      ../docs
    ]
  );
  common = {
    inherit src;
    strictDeps = true;
  };
  cargoArtifacts = craneLib.buildDepsOnly (
    common
    // {
      cargoExtraArgs = "--locked --workspace";
      # Crane builds the dependencies with the features that tests and lints need; the documentation and
      # the service alone need fewer.
      postBuild = ''
        cargoWithProfile check --locked --workspace
        cargoWithProfile build --locked --package event-fetcher
      '';
    }
  );
in
{
  inherit
    src
    testSrc
    common
    cargoArtifacts
    ;

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
