# The demo: a simulated VK, the service, and the Redis of nixpkgs.
{
  lib,
  makeWrapper,
  redis,
  facts,
  rust,
  event-fetcher,
}:
rust.build {
  pname = "event-fetcher-demo";
  cargoExtraArgs = "--locked --package event-fetcher --example demo";
  nativeBuildInputs = [ makeWrapper ];

  # The demo expects the service where cargo puts it: one folder above itself.
  installPhaseCommand = ''
    install -Dm555 target/release/examples/demo "$out/libexec/examples/demo"
    ln -s ${lib.getExe event-fetcher} "$out/libexec/event-fetcher"
    makeWrapper "$out/libexec/examples/demo" "$out/bin/event-fetcher-demo" \
      --prefix PATH : ${lib.makeBinPath [ redis ]}
  '';

  meta = {
    description = "Shows events on their way from a simulated VK to Redis";
    inherit (facts) homepage;
    license = lib.licenses.mit;
    mainProgram = "event-fetcher-demo";
    platforms = lib.platforms.linux;
  };
}
