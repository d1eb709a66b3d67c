# services.event-fetcher: the service on a NixOS machine, under systemd.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.event-fetcher;
  inherit (lib) mkOption types;
  inherit (pkgs.stdenv) buildPlatform hostPlatform;

  # Unset keys are left out, so that the service's own defaults apply.
  rendered = (pkgs.formats.toml { }).generate "Fetcher.toml" (import ./set-only.nix lib cfg.settings);

  # The service checks the configuration while the system is built, so that a mistake never reaches a
  # running machine. The check needs a token but does not use it.
  checked =
    if cfg.checkSettings && buildPlatform.canExecute hostPlatform then
      pkgs.runCommand "Fetcher.toml" { } ''
        TOKEN=unused ${lib.getExe cfg.package} check --config ${rendered} >/dev/null
        ln -s ${rendered} "$out"
      ''
    else
      rendered;

  secrets = import ./secrets.nix {
    inherit lib;
    inherit (cfg) settings;
    hasPasswordFile = cfg.redis.passwordFile != null;
  };
  inStore = path: path != null && lib.hasPrefix builtins.storeDir path;
  secret =
    description:
    mkOption {
      type = types.nullOr (types.strMatching "/.+");
      default = null;
      example = "/run/keys/secret";
      inherit description;
    };
in
{
  options.services.event-fetcher = {
    enable = lib.mkEnableOption "event-fetcher, which routes the events of a VK community over Redis";

    package = mkOption {
      type = types.package;
      default = self.packages.${hostPlatform.system}.default;
      defaultText = lib.literalExpression "event-fetcher.packages.\${system}.default";
      description = "The event-fetcher to run.";
    };

    settings = mkOption {
      type = types.submodule (import ./settings.nix { inherit pkgs; });
      default = { };
      example = lib.literalExpression ''
        {
          vk.group_id = 218730916;
          bus.url = "redis://127.0.0.1:6379";
        }
      '';
      description = ''
        The contents of {file}`Fetcher.toml`. Any key can be set, including those without an option of
        their own; `event-fetcher check` checks the result while the system is built. Unset keys have
        the service's defaults. Secrets have options of their own.
      '';
    };

    checkSettings = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the settings are checked while the system is built.";
    };

    tokenFile = secret ''
      A file with the community's VK access token. Only systemd reads it, as root, and passes it to the
      service as a credential. It must not be in the Nix store, which everybody can read.
    '';

    redis.passwordFile = secret ''
      A file with the password of Redis, if it has one; systemd passes it on like the token.
    '';
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.settings.vk.group_id != null;
        message = "services.event-fetcher.settings.vk.group_id must be set: the number of the community.";
      }
      {
        assertion = cfg.tokenFile != null;
        message = "services.event-fetcher.tokenFile must be set: VK answers nothing without a token.";
      }
      {
        assertion = !inStore cfg.tokenFile;
        message = "services.event-fetcher.tokenFile is in the Nix store, where everybody can read it.";
      }
      {
        assertion = !inStore cfg.redis.passwordFile;
        message = "services.event-fetcher.redis.passwordFile is in the Nix store, where everybody can read it.";
      }
    ]
    ++ map (key: {
      assertion = false;
      message = "services.event-fetcher.settings.${key} is a secret and ends up in the Nix store, where everybody can read it: use tokenFile, redis.passwordFile, or a file outside the store.";
    }) secrets;

    systemd.packages = [ cfg.package ];
    # What differs from the unit in the package; "" removes the package's own value.
    systemd.services.event-fetcher = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = [
          ""
          "${lib.getExe cfg.package} run --config ${checked}"
        ];
        ExecReload = [
          ""
          "${lib.getExe' pkgs.coreutils "kill"} -HUP $MAINPID"
        ];
        LoadCredential = [
          ""
        ]
        ++ lib.optional (cfg.tokenFile != null) "token:${cfg.tokenFile}"
        ++ lib.optional (cfg.redis.passwordFile != null) "redis-password:${cfg.redis.passwordFile}";
      };
    };
  };
}
