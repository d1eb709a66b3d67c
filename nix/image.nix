# The OCI image: the service, certificates and Fetcher.toml; no shell, no package manager. The
# Dockerfile builds the same on machines without Nix.
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

  # Fetcher.toml as a file, not as a link into the store; and a folder for temporary files, although the
  # service itself writes none.
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
      # Lets the service warn of a token that was built into the image.
      "EVENT_FETCHER_IMAGE=1"
      # glibc returns large blocks to the system when they are freed, instead of keeping up to 64 MiB.
      "MALLOC_MMAP_THRESHOLD_=131072"
      "MALLOC_TRIM_THRESHOLD_=131072"
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
    Labels =
      facts.labels
      // {
        "org.opencontainers.image.version" = event-fetcher.version;
      }
      // lib.optionalAttrs (revision != "") {
        "org.opencontainers.image.revision" = revision;
      };
  };
}
