# The service as systemd runs it, less what depends on the machine. Plain values, so that the unit
# can be judged (scripts/check-unit) where there is no nixpkgs.
{
  Type = "notify";
  NotifyAccess = "main";
  # Readiness comes with the first poll; until Redis and VK are there, it waits.
  TimeoutStartSec = "infinity";
  # It commits what is on the way, for a few seconds at most.
  TimeoutStopSec = 30;
  # Fed as long as the service does not stand still by its own fault.
  WatchdogSec = 60;
  Restart = "always";
  RestartSec = 5;
  # A mistake in the configuration, or a refusal of VK or Redis for good: the operator is needed.
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
