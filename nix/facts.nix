# What must be the same wherever the service is packaged: read by the image, the modules and the
# tests, and compared with the Dockerfile and compose.yaml by scripts/check-packaging.
# Plain values, so that it needs no nixpkgs to be read.
rec {
  name = "service.event-fetcher";

  # No entry in /etc/passwd is needed for a number, and the kernel knows nothing else.
  uid = 65532;
  gid = 65532;

  configFile = "/etc/event-fetcher/Fetcher.toml";
  port = 8080;
  stopSignal = "SIGTERM";

  # Times in seconds.
  health = {
    arguments = [ "health" ];
    interval = 15;
    timeout = 5;
    startPeriod = 30;
    retries = 3;
  };

  labels = {
    "org.opencontainers.image.title" = name;
    "org.opencontainers.image.description" =
      "Fetches the events of a VK community, makes them handy and routes them over Redis";
    # The repository's address, once it has one for others to see.
    "org.opencontainers.image.source" = "";
    "org.opencontainers.image.licenses" = "MIT";
  };

  # The network on which the services of the bus live.
  toaster = {
    network = "TOASTER";
    subnet = "172.18.0.0/24";
    gateway = "172.18.0.1";
    service = "172.18.0.5";
    redis = "172.18.0.40";
  };
}
