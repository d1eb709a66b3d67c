# Values that are the same in every packaging of the service. The image, the modules and the tests read
# them; scripts/check-packaging compares the Dockerfile and compose.yaml with them.
# Plain values, which can be evaluated without nixpkgs.
rec {
  name = "service.event-fetcher";
  # The system that the service belongs to.
  homepage = "https://github.com/FUNCKA-TOASTER";

  # Numbers, because the image has no /etc/passwd.
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
      "Fetches the updates of a VK community and routes them as typed events over Redis";
    "org.opencontainers.image.url" = homepage;
    "org.opencontainers.image.licenses" = "MIT";
  };

  # The network of Redis and the services.
  toaster = {
    network = "TOASTER";
    subnet = "172.18.0.0/24";
    gateway = "172.18.0.1";
    service = "172.18.0.5";
    redis = "172.18.0.40";
  };
}
