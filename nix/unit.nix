# The part of the service's systemd unit that does not depend on the machine. Plain values, so that
# scripts/check-unit can verify the unit without nixpkgs.
{
  Type = "notify";
  NotifyAccess = "main";
  # The service is ready after its first poll; until then it waits for Redis and VK, however long.
  TimeoutStartSec = "infinity";
  # It commits what VK has answered, for a few seconds at most.
  TimeoutStopSec = 30;
  # The service stops notifying the watchdog only if its work stalls because of a bug.
  WatchdogSec = 60;
  Restart = "always";
  RestartSec = 5;
  # A wrong configuration, or a permanent error of VK or Redis: a restart does not help.
  RestartPreventExitStatus = [
    64
    69
  ];

  DynamicUser = true;
  UMask = "0077";

  CapabilityBoundingSet = "";
  AmbientCapabilities = "";
  NoNewPrivileges = true;
  SecureBits = "noroot-locked";

  # It writes no file and needs no device.
  ProtectSystem = "strict";
  ProtectHome = true;
  PrivateTmp = true;
  PrivateDevices = true;
  DevicePolicy = "closed";
  RemoveIPC = true;

  PrivateUsers = true;
  ProcSubset = "pid";
  ProtectProc = "invisible";
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;

  RestrictAddressFamilies = [
    "AF_INET"
    "AF_INET6"
    "AF_UNIX" # the journal, systemd's notifications, a Redis on a socket
  ];
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  SystemCallArchitectures = "native";
  SystemCallErrorNumber = "EPERM";
  SystemCallFilter = [
    "@system-service"
    "~@privileged @resources"
  ];
}
