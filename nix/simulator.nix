# The simulated VK, for development and tests.
{
  lib,
  facts,
  rust,
}:
rust.build {
  pname = "vk-simulator";
  cargoExtraArgs = "--locked --package vk-simulator --bin vk-simulator";
  meta = {
    description = "A simulated VK: API methods and a Bots Long Poll server";
    inherit (facts) homepage;
    license = lib.licenses.mit;
    mainProgram = "vk-simulator";
    platforms = lib.platforms.linux;
  };
}
