# The Python package: its types, and its tests against a real redis-server.
{
  lib,
  python3Packages,
  redis,
  facts,
}:
python3Packages.buildPythonPackage {
  pname = "toaster-events";
  inherit ((lib.importTOML ../../clients/python/pyproject.toml).project) version;
  pyproject = true;

  # Its tests compare it with documents and tests of the service.
  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../clients/python
      ../../docs/consumers.md
      ../../tests/behaviour/consumers
    ];
  };
  sourceRoot = "source/clients/python";

  build-system = [ python3Packages.setuptools ];
  dependencies = [ python3Packages.redis ];
  nativeCheckInputs = [
    python3Packages.dill
    python3Packages.mypy
    python3Packages.pytestCheckHook
    python3Packages.pytest-timeout
    redis
  ];
  preCheck = "mypy";

  meta = {
    description = "Events of a VK community from event-fetcher's Redis streams, as typed objects";
    inherit (facts) homepage;
    license = lib.licenses.mit;
  };
}
