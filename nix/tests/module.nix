# The NixOS modules: how they render settings, which they reject, and how well the unit is sandboxed.
{
  lib,
  stdenv,
  runCommand,
  systemd,
  writeText,
  event-fetcher,
  facts,
  nixpkgs,
  self,
}:
let
  machine =
    module:
    (nixpkgs.lib.nixosSystem {
      inherit (stdenv.hostPlatform) system;
      modules = [
        module
        {
          system.stateVersion = "26.05";
          boot.isContainer = true;
        }
      ];
    }).config;
  rejected = { assertions, ... }: map (it: it.message) (lib.filter (it: !it.assertion) assertions);
  rejectsFor = word: config: lib.any (lib.hasInfix word) (rejected config);

  withService =
    settings:
    machine {
      imports = [ self.nixosModules.default ];
      services.event-fetcher = {
        enable = true;
        package = event-fetcher;
      }
      // settings;
    };
  withToaster =
    tokenFile:
    machine {
      imports = [ self.nixosModules.toaster ];
      services.toaster = {
        enable = true;
        groupId = 218730916;
        inherit tokenFile;
      };
    };

  good = {
    settings = {
      vk.group_id = 218730916;
      bus.url = "redis://172.18.0.40:6379";
      # A key without an option of its own.
      vk.wait = "20s";
    };
    tokenFile = "/run/keys/token";
    redis.passwordFile = "/run/keys/redis";
  };

  rejects = word: change: rejectsFor word (withService (lib.recursiveUpdate good change));

  service = (withService good).systemd.services.event-fetcher.serviceConfig;
  unit = writeText "event-fetcher.service" (import ../render-unit.nix service);

  inStore = "${builtins.storeDir}/x-secret";
  addresses = lib.concatMap (it: it.extraOptions) (
    lib.attrValues (withToaster good.tokenFile).virtualisation.oci-containers.containers
  );

  expectations = {
    "correct settings are accepted" = rejected (withService good) == [ ];
    "no group" = rejects "group_id" { settings.vk.group_id = null; };
    "no token" = rejects "tokenFile must be set" { tokenFile = null; };
    "a token in the store" = rejects "Nix store" { tokenFile = inStore; };
    "a password in the store" = rejects "passwordFile is in" { redis.passwordFile = inStore; };
    "a token in the settings" = rejects "ends up in" { settings.vk.token = "secret"; };
    "a password in the address" = rejects "bus.url has a password" {
      settings.bus.url = "redis://user:secret@localhost";
    };
    "secrets come as credentials" =
      service.LoadCredential == [
        "token:/run/keys/token"
        "redis-password:/run/keys/redis"
      ];
    "systemd receives notifications" = service.Type == "notify" && service.WatchdogSec == 60;
    "TOASTER: a token in the store" = rejectsFor "Nix store" (withToaster inStore);
    "TOASTER: the addresses" = lib.all (address: lib.elem "--ip=${address}" addresses) [
      facts.toaster.redis
      facts.toaster.service
    ];
  };
  broken = lib.attrNames (lib.filterAttrs (_: met: !met) expectations);
in
assert lib.assertMsg (broken == [ ]) "failed expectations: ${lib.concatStringsSep ", " broken}";
runCommand "event-fetcher-module" { nativeBuildInputs = [ systemd ]; } ''
  cp ${unit} event-fetcher.service
  # 15 means an exposure of 1.5.
  systemd-analyze security --offline=true --threshold=15 --no-pager ./event-fetcher.service
  touch "$out"
''
