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
      # The key makes a module that is imported twice count once; messages name the file.
      module = name: file: {
        key = "event-fetcher#nixosModules.${name}";
        _file = "${self}/nix/${file}";
        imports = [ (import ./nix/${file} { inherit self; }) ];
      };
      eachPkgs = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      eachSystem = f: eachPkgs (pkgs: f (scopeFor pkgs));
    in
    {
      packages = eachSystem (scope: {
        default = scope.event-fetcher;
        inherit (scope)
          event-fetcher
          image
          sbom
          simulator
          ;
        # Not a check, because it needs KVM.
        vm-test = scope.callPackage ./nix/tests/vm.nix { inherit self; };
      });

      apps = eachSystem (scope: scope.callSet ./nix/apps.nix { });

      checks = eachSystem (scope: scope.callSet ./nix/checks.nix { inherit nixpkgs self advisory-db; });

      devShells = eachSystem (scope: {
        default = scope.shell;
      });

      formatter = eachPkgs (pkgs: pkgs.nixfmt-tree);

      overlays.default = final: _prev: {
        inherit (scopeFor final) event-fetcher;
      };

      nixosModules = {
        default = module "default" "module.nix";
        toaster = module "toaster" "toaster.nix";
      };
    };
}
