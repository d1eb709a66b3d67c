# What the service consists of, as CycloneDX: each crate with its version, licence and checksum.
{
  stdenv,
  craneLib,
  cargo-cyclonedx,
  rust,
}:
craneLib.mkCargoDerivation (
  rust.common
  // {
    pname = "event-fetcher-sbom";
    cargoArtifacts = null;
    doInstallCargoArtifacts = false;
    nativeBuildInputs = [ cargo-cyclonedx ];
    # As in scripts/sbom.
    buildPhaseCargoCommand = ''
      cargo cyclonedx --format json --spec-version 1.5 --describe binaries --no-build-deps \
        --target ${stdenv.hostPlatform.rust.rustcTarget}
    '';
    installPhaseCommand = ''install -Dm444 event-fetcher_bin.cdx.json "$out"'';
  }
)
