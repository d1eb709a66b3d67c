# The scope of one package set: nixpkgs and everything of this project by name, so that each file in
# this folder takes what it needs as arguments.
{
  pkgs,
  self,
  crane,
}:
pkgs.lib.makeScope pkgs.newScope (scope: {
  craneLib = crane.mkLib pkgs;
  facts = import ./facts.nix;

  # Marked as dirty if the tree has uncommitted changes.
  revision = self.rev or self.dirtyRev or "";
  # The time of the commit, so that two builds of one commit are identical.
  created = scope.callPackage ./created.nix { lastModifiedDate = self.lastModifiedDate or null; };

  # callPackage for a set of packages: removes the functions that callPackage adds.
  callSet =
    file: args:
    removeAttrs (scope.callPackage file args) [
      "override"
      "overrideDerivation"
    ];

  rust = scope.callPackage ./rust.nix { };
  event-fetcher = scope.callPackage ./package.nix { };
  simulator = scope.callPackage ./simulator.nix { };
  demo = scope.callPackage ./demo.nix { };
  image = scope.callPackage ./image.nix { };
  sbom = scope.callPackage ./sbom.nix { };
  shell = scope.callPackage ./shell.nix { };
})
