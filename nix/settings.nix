# The settings that are likely to be set have options of their own. Every other key of Fetcher.toml is
# passed on; the service checks it.
{ pkgs }:
{ lib, ... }:
let
  inherit (lib) mkOption types;
  toml = (pkgs.formats.toml { }).type;

  setting =
    type: example: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit example description;
    };
  section =
    description: options:
    mkOption {
      type = types.submodule {
        freeformType = toml;
        inherit options;
      };
      default = { };
      inherit description;
    };
in
{
  freeformType = toml;

  options = {
    vk = section "The community and the connection to VK." {
      group_id = setting types.ints.positive 218730916 "The community's number, without a minus.";
      api_url = setting types.str "https://api.vk.ru/method/" "The base URL of the VK API.";
      lang = setting (types.enum [
        "ru"
        "ua"
        "be"
        "en"
        "es"
        "fi"
        "de"
        "it"
      ]) "ru" "The language in which VK returns names.";
      requests_per_second =
        setting (types.ints.between 1 20) 18
          "The limit on API calls per second; lower it when other programs use the same token.";
    };

    converter = section "How the service converts an update into an event." {
      command_prefixes = setting (types.listOf types.str) [ "/" ] "The prefixes of commands.";
      reply_author = setting types.bool true "Whether a reply contains its author's id.";
    };

    bus = section "The Redis bus to which the service writes events." {
      url = setting types.str "redis://127.0.0.1:6379" "The address of Redis, without a password.";
      namespace = setting types.str "toaster" "The prefix of every Redis key.";
      delivery = setting (types.listOf (
        types.enum [
          "stream"
          "pubsub"
        ]
      )) [ "stream" ] "How events are delivered.";
      durability =
        setting (types.strMatching "none|aof|replicas=[0-9]+") "aof"
          "What the service waits for after each commit.";
      stream_length =
        setting (types.ints.between 0 1000000000) 1000000
          "The maximum number of entries in a stream; 0 sets no limit.";
    };

    http = section "The HTTP port: health checks, metrics and the status page." {
      listen = setting types.str "127.0.0.1:8080" "The address to listen on; empty for no port.";
      page = setting types.bool true "Whether the port serves a status page at /.";
    };

    log = section "The service's log." {
      level = setting types.str "info" "The log level, or a filter by module.";
    };
  };
}
