# The OCI image: the service, certificates and its configuration; no shell, no package manager.
# The Dockerfile makes the same for who has no Nix.
{
  lib,
  dockerTools,
  cacert,
  facts,
  event-fetcher,
  revision,
  created,
}:
let
  program = lib.getExe event-fetcher;
  seconds = n: n * 1000000000;
in
dockerTools.buildLayeredImage {
  inherit (facts) name;
  inherit created;
  tag = "latest";

  # The configuration as a file, not as a link into the store. And a folder for temporary files, though
  # the service itself writes none.
  extraCommands = ''
    install -Dm444 ${../Fetcher.toml} .${facts.configFile}
    mkdir -m 1777 tmp
  '';

  config = {
    Entrypoint = [ program ];
    User = "${toString facts.uid}:${toString facts.gid}";
    WorkingDir = "/";
    StopSignal = facts.stopSignal;
    ExposedPorts."${toString facts.port}/tcp" = { };
    Env = [
      "PATH=${lib.makeBinPath [ event-fetcher ]}"
      "SSL_CERT_FILE=${cacert}/etc/ssl/certs/ca-bundle.crt"
      # So that the service can warn of a token that may have come with the image.
      "EVENT_FETCHER_IMAGE=1"
    ];
    Healthcheck = {
      Test = [
        "CMD"
        program
      ]
      ++ facts.health.arguments;
      Interval = seconds facts.health.interval;
      Timeout = seconds facts.health.timeout;
      StartPeriod = seconds facts.health.startPeriod;
      Retries = facts.health.retries;
    };
    Labels = facts.labels // {
      "org.opencontainers.image.version" = event-fetcher.version;
      "org.opencontainers.image.revision" = revision;
    };
  };
}
