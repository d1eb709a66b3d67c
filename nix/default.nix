# What is built for one package set: nixpkgs, and beside it everything of this project by name, so
# that each file in this folder asks for what it needs as an argument.
{
  pkgs,
  self,
  crane,
}:
pkgs.lib.makeScope pkgs.newScope (scope: {
  craneLib = crane.mkLib pkgs;
  facts = import ./facts.nix;

  # Of a tree with uncommitted changes it says so.
  revision = self.rev or self.dirtyRev or "";
  # The time of the commit, so that two builds of it are identical.
  created = scope.callPackage ./created.nix { lastModifiedDate = self.lastModifiedDate or null; };

  rust = scope.callPackage ./rust.nix { };
  event-fetcher = scope.callPackage ./package.nix { };
  simulator = scope.callPackage ./simulator.nix { };
  demo = scope.callPackage ./demo.nix { };
  image = scope.callPackage ./image.nix { };
})
