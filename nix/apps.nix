# `nix run` runs the service, `nix run .#demo` the demo.
{
  lib,
  event-fetcher,
  demo,
}:
let
  app = package: {
    type = "app";
    program = lib.getExe package;
    meta = { inherit (package.meta) description; };
  };
in
{
  default = app event-fetcher;
  demo = app demo;
}
