# The NixOS module: what it makes of settings, what it refuses, and how well the unit is fenced in.
{
  lib,
  stdenv,
  runCommand,
  systemd,
  writeText,
  event-fetcher,
  nixpkgs,
  self,
}:
let
  machine =
    settings:
    (nixpkgs.lib.nixosSystem {
      inherit (stdenv.hostPlatform) system;
      modules = [
        self.nixosModules.default
        {
          system.stateVersion = "26.05";
          boot.isContainer = true;
          services.event-fetcher = {
            enable = true;
            package = event-fetcher;
          }
          // settings;
        }
      ];
    }).config;

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

  refusals =
    settings: map (it: it.message) (lib.filter (it: !it.assertion) (machine settings).assertions);
  refuses = word: change: lib.any (lib.hasInfix word) (refusals (lib.recursiveUpdate good change));

  service = (machine good).systemd.services.event-fetcher.serviceConfig;
  unit = writeText "event-fetcher.service" (import ../render-unit.nix service);

  expectations = {
    "what is right is accepted" = refusals good == [ ];
    "no group" = refuses "group_id" { settings.vk.group_id = null; };
    "no token" = refuses "tokenFile must be set" { tokenFile = null; };
    "a token in the store" = refuses "Nix store" { tokenFile = "${builtins.storeDir}/x-token"; };
    "a password in the store" = refuses "passwordFile is in" {
      redis.passwordFile = "${builtins.storeDir}/x-password";
    };
    "a token in the settings" = refuses "ends up in" { settings.vk.token = "secret"; };
    "a password in the address" = refuses "bus.url has a password" {
      settings.bus.url = "redis://user:secret@localhost";
    };
    "secrets come as credentials" =
      service.LoadCredential == [
        "token:/run/keys/token"
        "redis-password:/run/keys/redis"
      ];
    "systemd is told" = service.Type == "notify" && service.WatchdogSec == 60;
  };
  broken = lib.attrNames (lib.filterAttrs (_: holds: !holds) expectations);
in
assert lib.assertMsg (
  broken == [ ]
) "the module does not hold: ${lib.concatStringsSep ", " broken}";
runCommand "event-fetcher-module" { nativeBuildInputs = [ systemd ]; } ''
  cp ${unit} event-fetcher.service
  # 15 stands for an exposure of 1.5.
  systemd-analyze security --offline=true --threshold=15 --no-pager ./event-fetcher.service
  touch "$out"
''
