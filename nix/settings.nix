# The settings that have an option of their own: those that a machine's owner is likely to set.
# Anything else of Fetcher.toml passes through, and is checked by the service itself.
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
    vk = section "The community, and how VK is spoken to." {
      group_id = setting types.ints.positive 218730916 "The community's number, without a minus.";
      api_url = setting types.str "https://api.vk.ru/method/" "Where the VK API answers.";
      lang = setting (types.enum [
        "ru"
        "ua"
        "be"
        "en"
        "es"
        "fi"
        "de"
        "it"
      ]) "ru" "The language in which VK gives names.";
      requests_per_second =
        setting (types.ints.between 1 20) 18
          "The most API calls in a second; lower it when others use the same token.";
    };

    converter = section "How an update becomes an event." {
      command_prefixes = setting (types.listOf types.str) [ "/" ] "What commands begin with.";
      reply_author = setting types.bool true "Whether replies carry their author's id.";
    };

    bus = section "The Redis bus on which events leave." {
      url = setting types.str "redis://127.0.0.1:6379" "Where Redis is; without a password.";
      namespace = setting types.str "toaster" "The common beginning of every Redis key.";
      delivery = setting (types.listOf (
        types.enum [
          "stream"
          "pubsub"
        ]
      )) [ "stream" ] "The ways an event goes out.";
      durability =
        setting (types.strMatching "none|aof|replicas=[0-9]+") "aof"
          "What a commit waits for.";
      stream_length =
        setting (types.ints.between 0 1000000000) 1000000
          "How many entries a stream may hold; 0 sets no bound.";
    };

    http = section "The port that tells whether the service works." {
      listen = setting types.str "127.0.0.1:8080" "The address to serve at, or an empty text for none.";
      page = setting types.bool true "Whether a page at / shows to people how the service does.";
    };

    log = section "What the service tells about its own work." {
      level = setting types.str "info" "How much is told.";
    };
  };
}
