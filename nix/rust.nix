# What all builds of the Rust workspace share: the sources, and the dependencies, built once for each profile.
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
  # Packages, and what cargo unifies features over.
  release = craneLib.buildDepsOnly (
    common
    // {
      buildPhaseCargoCommand = ''
        cargoWithProfile build --locked --package event-fetcher
        cargoWithProfile build --locked --package vk-simulator
        cargoWithProfile test --no-run --locked --package event-fetcher
      '';
      doCheck = false;
    }
  );
  # Lints, tests and documentation use the profile of development: link-time optimisation of each test program would
  # take longer than the tests.
  development = common // {
    CARGO_PROFILE = "dev";
    cargoExtraArgs = "--locked --workspace";
  };
in
{
  inherit src testSrc common;

  # Arguments for checks of the workspace.
  checked = development // {
    cargoArtifacts = craneLib.buildDepsOnly development;
  };

  # Builds a part of the workspace on top of the dependencies. Tests are a check of their own.
  build =
    args:
    craneLib.buildPackage (
      common
      // {
        cargoArtifacts = release;
        doCheck = false;
      }
      // args
    );
}
