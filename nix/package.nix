# The service: the binary, its completions, and the Fetcher.toml that shows every key.
{
  lib,
  stdenv,
  installShellFiles,
  rust,
  revision,
}:
rust.build {
  cargoExtraArgs = "--locked --package event-fetcher --bin event-fetcher";
  nativeBuildInputs = [ installShellFiles ];

  # Only this derivation knows it, so that a commit does not build the dependencies anew.
  env.EVENT_FETCHER_REVISION = revision;

  postInstall = ''
    install -Dm444 Fetcher.toml "$out/share/event-fetcher/Fetcher.toml"
  ''
  + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    installShellCompletion --cmd event-fetcher \
      --bash <("$out/bin/event-fetcher" completions bash) \
      --fish <("$out/bin/event-fetcher" completions fish) \
      --zsh <("$out/bin/event-fetcher" completions zsh)
  '';

  meta = {
    description = "Fetches the events of a VK community, makes them handy and routes them over Redis";
    license = lib.licenses.mit;
    mainProgram = "event-fetcher";
    platforms = lib.platforms.linux;
  };
}
