# The keys of settings whose values are secrets: settings end up in the Nix store, where everybody can read them.
{
  lib,
  settings,
  # Whether the password of Redis comes from a file, so that a login without a password is only a name.
  hasPasswordFile,
}:
let
  leaves =
    path: value:
    if lib.isAttrs value then
      lib.concatLists (lib.mapAttrsToList (name: leaves (path ++ [ name ])) value)
    else
      [ { inherit path value; } ];

  matches = pattern: value: lib.isString value && builtins.match pattern value != null;
  inStore = value: lib.isPath value || lib.hasPrefix builtins.storeDir (toString value);
  parameter = if hasPasswordFile then "(db|protocol|user)=[^&]*" else "(db|protocol)=[^&]*";

  isSecret =
    { path, value }:
    let
      key = lib.concatStringsSep "." path;
      named = word: lib.hasInfix word (lib.last path);
    in
    value != null
    && (
      # As the service itself decides (src/config/secrets.rs).
      named "token"
      || named "password"
      # scheme://user:password@host
      || matches "[^:]*://.*:.*@.*" value
      # scheme://password@host
      || !hasPasswordFile && matches "[^:]*://.*@.*" value
      # unix:/path?pass=password
      || key == "bus.url" && !matches "[^?]*(\\?${parameter}(&${parameter})*)?" value
      || key == "bus.tls.key" && inStore value
    );
in
map (it: lib.concatStringsSep "." it.path) (lib.filter isSecret (leaves [ ] settings))
