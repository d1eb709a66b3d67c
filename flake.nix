{
  description = "event-fetcher: VK community updates by Long Poll, as typed events on Redis";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane/v0.23.4";
    advisory-db = {
      url = "github:rustsec/advisory-db";
      flake = false;
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      crane,
      advisory-db,
    }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      scopeFor = pkgs: import ./nix { inherit pkgs self crane; };
      eachSystem = f: lib.genAttrs systems (system: f (scopeFor nixpkgs.legacyPackages.${system}));
    in
    {
      packages = eachSystem (scope: {
        default = scope.event-fetcher;
        inherit (scope) event-fetcher image simulator;
      });

      apps = eachSystem (scope: scope.callPackage ./nix/apps.nix { });

      checks = eachSystem (
        scope: scope.callPackage ./nix/checks.nix { inherit nixpkgs self advisory-db; }
      );

      devShells = eachSystem (scope: {
        default = scope.callPackage ./nix/shell.nix { };
      });

      formatter = eachSystem (scope: scope.nixfmt-tree);

      overlays.default = final: _prev: {
        inherit (scopeFor final) event-fetcher;
      };

      nixosModules = {
        default = import ./nix/module.nix { inherit self; };
        toaster = import ./nix/toaster.nix { inherit self; };
      };
    };
}
