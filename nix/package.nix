# The service: the binary, its completions, and Fetcher.toml with every key.
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

  # Only this derivation has the revision, so that a new commit does not rebuild the dependencies.
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
    description = "Fetches the updates of a VK community and routes them as typed events over Redis";
    license = lib.licenses.mit;
    mainProgram = "event-fetcher";
    platforms = lib.platforms.linux;
  };
}
