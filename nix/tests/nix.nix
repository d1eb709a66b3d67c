# The Nix files are formatted, and nothing in them is unused.
{
  lib,
  runCommand,
  nixfmt,
  deadnix,
}:
let
  files = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../..;
  };
in
runCommand "event-fetcher-nix"
  {
    nativeBuildInputs = [
      nixfmt
      deadnix
    ];
  }
  ''
    find ${files} -name '*.nix' -exec nixfmt --check {} +
    deadnix --fail ${files}
    touch "$out"
  ''
