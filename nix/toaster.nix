# Redis and the service as containers on the network TOASTER of a NixOS machine, like compose.yaml
# elsewhere. Both images come from the Nix store, not from a registry.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.toaster;
  facts = import ./facts.nix;
  inherit (facts) toaster;
  # As in Redis' own image.
  redisUser = "999:999";
  # What both containers may not do.
  confined = [
    "--read-only"
    "--cap-drop=ALL"
    "--security-opt=no-new-privileges"
  ];
  docker = lib.getExe config.virtualisation.docker.package;

  redisImage = pkgs.dockerTools.buildLayeredImage {
    name = "toaster-redis";
    tag = "latest";
    # A new volume takes its owner from here.
    fakeRootCommands = ''
      mkdir data
      chown ${redisUser} data
    '';
    config = {
      User = redisUser;
      Entrypoint = [ (lib.getExe' pkgs.redis "redis-server") ];
      WorkingDir = "/data";
    };
  };
in
{
  options.services.toaster = {
    enable = lib.mkEnableOption "the network TOASTER with Redis and event-fetcher as containers";
    groupId = lib.mkOption {
      type = lib.types.ints.positive;
      example = 218730916;
      description = "The community whose events are fetched.";
    };
    tokenFile = lib.mkOption {
      type = lib.types.strMatching "/.+";
      example = "/run/keys/token";
      description = ''
        A file with the community's access token. It is mounted into the container, where the user
        ${toString facts.uid} must be able to read it. Not in the Nix store.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.hasPrefix builtins.storeDir cfg.tokenFile;
        message = "services.toaster.tokenFile is in the Nix store, where everybody can read it.";
      }
    ];

    virtualisation.docker.enable = true;
    virtualisation.oci-containers.backend = "docker";

    systemd.services.toaster-network = {
      description = "The Docker network ${toaster.network}";
      after = [ "docker.service" ];
      requires = [ "docker.service" ];
      before = [
        "docker-toaster-redis.service"
        "docker-${facts.name}.service"
      ];
      requiredBy = [
        "docker-toaster-redis.service"
        "docker-${facts.name}.service"
      ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
      };
      script = ''
        ${docker} network inspect ${toaster.network} >/dev/null 2>&1 ||
          ${docker} network create --driver bridge \
            --subnet ${toaster.subnet} --gateway ${toaster.gateway} ${toaster.network}
      '';
    };

    virtualisation.oci-containers.containers = {
      toaster-redis = {
        image = "toaster-redis:latest";
        imageFile = redisImage;
        cmd = [
          "--appendonly"
          "yes"
          # Only members of the network reach this Redis.
          "--protected-mode"
          "no"
        ];
        volumes = [ "toaster-redis:/data" ];
        extraOptions = [
          "--network=${toaster.network}"
          "--ip=${toaster.redis}"
        ]
        ++ confined;
      };

      ${facts.name} = {
        image = "${facts.name}:latest";
        imageFile = self.packages.${pkgs.stdenv.hostPlatform.system}.image;
        dependsOn = [ "toaster-redis" ];
        environment.GROUPID = toString cfg.groupId;
        volumes = [ "${cfg.tokenFile}:/run/secrets/token:ro" ];
        extraOptions = [
          "--network=${toaster.network}"
          "--ip=${toaster.service}"
        ]
        ++ confined;
      };
    };
  };
}
