# The NixOS modules: how they render settings, which they reject, and how well the unit is sandboxed.
{
  lib,
  stdenv,
  runCommand,
  systemd,
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
      # Twice, as happens where two modules of a machine need it.
      imports = [
        self.nixosModules.default
        self.nixosModules.default
      ];
      services.event-fetcher = {
        enable = true;
        package = event-fetcher;
      }
      // settings;
    };
  withToaster =
    tokenFile:
    machine {
      imports = [
        self.nixosModules.toaster
        self.nixosModules.toaster
      ];
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

  # Settings with this address of Redis, in the store.
  refusesUrl =
    url:
    rejects "settings.bus.url is a secret" {
      settings.bus = { inherit url; };
    };
  refusesUrlWithoutPasswordFile =
    url:
    rejects "settings.bus.url is a secret" {
      settings.bus = { inherit url; };
      redis.passwordFile = null;
    };
  inStore = "${builtins.storeDir}/x-secret";
  containers = lib.attrValues (withToaster good.tokenFile).virtualisation.oci-containers.containers;
  options = lib.concatMap (it: it.extraOptions) containers;

  expectations = {
    "correct settings are accepted" = rejected (withService good) == [ ];
    "no group" = rejects "group_id" { settings.vk.group_id = null; };
    "no token" = rejects "tokenFile must be set" { tokenFile = null; };
    "a token in the store" = rejects "Nix store" { tokenFile = inStore; };
    "a password in the store" = rejects "passwordFile is in" { redis.passwordFile = inStore; };
    "a token in the settings" = rejects "settings.vk.token is a secret" {
      settings.vk.token = "secret";
    };
    "a password in the settings" = rejects "settings.bus.password is a secret" {
      settings.bus.password = "secret";
    };
    "a password in another address" = rejects "settings.vk.api_url is a secret" {
      settings.vk.api_url = "https://user:secret@localhost/method/";
    };
    "a private key in the store" = rejects "settings.bus.tls.key is a secret" {
      settings.bus.tls.key = inStore;
    };
    "a password in the address of Redis" = lib.all refusesUrl [
      "redis://user:secret@localhost"
      "rediss://:secret@localhost:6379/0"
      "redis+sentinel://user:secret@localhost:26379,localhost:26380/master"
      "redis+cluster://user:sec/ret@localhost"
      "unix:/run/redis.sock?pass=secret"
      "unix:/run/redis.sock?db=1&user=u&pass=secret"
      "redis+unix:///run/redis.sock?user=u&pass=secret"
      "redis+unix:///run/redis.sock?p%61ss=secret"
    ];
    "a login that may be a password" = lib.all refusesUrlWithoutPasswordFile [
      "redis://secret@localhost"
      "unix:/run/redis.sock?user=secret"
    ];
    "an address without a password" =
      !lib.any refusesUrl [
        "stdout:"
        "redis://name@localhost:6379/1"
        "unix:/run/redis.sock?db=1&user=name"
        "redis+sentinel://localhost:26379,localhost:26380/master/1"
      ];
    "secrets come as credentials" =
      service.LoadCredential == [
        ""
        "token:/run/keys/token"
        "redis-password:/run/keys/redis"
      ];
    "TOASTER: a token in the store" = rejectsFor "Nix store" (withToaster inStore);
    "TOASTER: the addresses" = lib.all (address: lib.elem "--ip=${address}" options) [
      facts.toaster.redis
      facts.toaster.service
    ];
    "TOASTER: no capabilities" = lib.all (it: lib.elem "--cap-drop=ALL" it.extraOptions) containers;
  };
  broken = lib.attrNames (lib.filterAttrs (_: met: !met) expectations);
in
assert lib.assertMsg (broken == [ ]) "failed expectations: ${lib.concatStringsSep ", " broken}";
runCommand "event-fetcher-module" { nativeBuildInputs = [ systemd ]; } ''
  cp ${event-fetcher}/lib/systemd/system/event-fetcher.service .
  # 11 means an exposure of 1.1.
  systemd-analyze security --offline=true --threshold=11 --no-pager ./event-fetcher.service
  touch "$out"
''
