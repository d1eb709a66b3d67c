# The service: the binary, its unit, manual pages and completions, and Fetcher.toml with every key.
{
  lib,
  stdenv,
  installShellFiles,
  facts,
  rust,
  revision,
}:
rust.build {
  cargoExtraArgs = "--locked --package event-fetcher --bin event-fetcher";
  nativeBuildInputs = [ installShellFiles ];

  # Only this derivation has the revision, so that a new commit does not rebuild the dependencies.
  env.EVENT_FETCHER_REVISION = revision;

  postInstall = ''
    install -Dm444 Fetcher.toml "$out/share/event-fetcher/Fetcher.toml"
    install -Dm444 ${../packaging/event-fetcher.service} "$out/lib/systemd/system/event-fetcher.service"
    substituteInPlace "$out/lib/systemd/system/event-fetcher.service" \
      --replace-fail /usr/bin/event-fetcher "$out/bin/event-fetcher"
  ''
  + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    mkdir man
    "$out/bin/event-fetcher" man man
    installManPage man/*
    installShellCompletion --cmd event-fetcher \
      --bash <("$out/bin/event-fetcher" completions bash) \
      --fish <("$out/bin/event-fetcher" completions fish) \
      --zsh <("$out/bin/event-fetcher" completions zsh)
  '';

  meta = {
    description = "Fetches the updates of a VK community and routes them as typed events over Redis";
    inherit (facts) homepage;
    license = lib.licenses.mit;
    mainProgram = "event-fetcher";
    platforms = lib.platforms.linux;
  };
}
