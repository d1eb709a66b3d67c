# Redis and a simulated VK on one machine, the service on another: events arrive, and a restart in the
# middle loses none.
{
  testers,
  simulator,
  lib,
  self,
}:
let
  apiPort = 5000;
  pollPort = 5001;
  groupId = 218730916;
in
testers.runNixOSTest {
  name = "event-fetcher";

  nodes.far =
    { nodes, ... }:
    {
      services.redis.servers.bus = {
        enable = true;
        bind = "0.0.0.0";
        port = 6379;
        appendOnly = true;
        requirePassFile = "/etc/redis-password";
      };
      environment.etc."redis-password".text = "a-password";
      networking.firewall.allowedTCPPorts = [
        6379
        apiPort
        pollPort
      ];
      systemd.services.vk = {
        wantedBy = [ "multi-user.target" ];
        after = [ "network-online.target" ];
        wants = [ "network-online.target" ];
        serviceConfig.ExecStart = lib.concatStringsSep " " [
          (lib.getExe simulator)
          "--host ${nodes.far.networking.primaryIPAddress}"
          "--api-port ${toString apiPort} --poll-port ${toString pollPort}"
          "--group-id ${toString groupId} --token a-token --unconvertible 0"
        ];
      };
    };

  nodes.near =
    { nodes, ... }:
    {
      imports = [ self.nixosModules.default ];
      environment.etc = {
        "token" = {
          text = "a-token";
          mode = "0400";
        };
        "redis-password" = {
          text = "a-password";
          mode = "0400";
        };
      };
      services.event-fetcher = {
        enable = true;
        tokenFile = "/etc/token";
        redis.passwordFile = "/etc/redis-password";
        settings = {
          vk = {
            group_id = groupId;
            api_url = "http://${nodes.far.networking.primaryIPAddress}:${toString apiPort}/method/";
          };
          bus.url = "redis://${nodes.far.networking.primaryIPAddress}:6379";
        };
      };
    };

  testScript =
    { nodes, ... }:
    ''
      api = "http://${nodes.far.networking.primaryIPAddress}:${toString apiPort}/control"
      cli = "redis-cli -a a-password --no-auth-warning"
      position = f"{cli} hget '{{toaster}}:position:${toString groupId}' ts"

      def generate(n):
          far.succeed(f"curl -sSf -X POST '{api}/generate?n={n}'")

      def all_there(newest):
          far.wait_until_succeeds(f"test \"$({position})\" = {newest}", timeout=120)

      def on_the_bus():
          streams = ["message", "command", "button", "reaction"]
          counts = [far.succeed(f"{cli} xlen '{{toaster}}:{it}'") for it in streams]
          skipped = far.succeed(f"{cli} hvals '{{toaster}}:skipped:${toString groupId}'").split()
          return sum(map(int, counts)) + sum(map(int, skipped))

      start_all()
      far.wait_for_unit("vk.service")
      far.wait_for_unit("redis-bus.service")
      near.wait_for_unit("event-fetcher.service")
      near.wait_until_succeeds("${lib.getExe nodes.near.services.event-fetcher.package} health", timeout=60)

      with subtest("events arrive"):
          generate(200)
          all_there(1200)
          assert on_the_bus() == 200, on_the_bus()

      with subtest("a start does not wait for Redis"):
          far.succeed("systemctl stop redis-bus.service")
          near.succeed("systemctl restart event-fetcher.service")
          near.fail("${lib.getExe nodes.near.services.event-fetcher.package} health")
          far.succeed("systemctl start redis-bus.service")
          near.wait_until_succeeds("${lib.getExe nodes.near.services.event-fetcher.package} health", timeout=60)

      with subtest("a restart loses nothing"):
          generate(200)
          near.succeed("systemctl kill --signal=KILL event-fetcher.service")
          generate(200)
          near.succeed("systemctl restart event-fetcher.service")
          all_there(1600)
          assert on_the_bus() == 600, on_the_bus()

      with subtest("no secret in the process's environment or arguments"):
          near.fail("tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID event-fetcher)/environ | grep a-token")
    '';
}
