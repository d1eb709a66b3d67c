# Renders a serviceConfig as a unit file, as far as unit.nix needs it. Works without nixpkgs.
serviceConfig:
let
  text =
    value:
    if value == true then
      "yes"
    else if value == false then
      "no"
    else
      toString value;
  lines =
    name: value:
    if builtins.isList value then
      map (element: "${name}=${text element}") value
    else
      [ "${name}=${text value}" ];
  names = builtins.attrNames serviceConfig;
in
''
  [Unit]
  Description=event-fetcher

  [Service]
  ${builtins.concatStringsSep "\n" (
    builtins.concatMap (name: lines name serviceConfig.${name}) names
  )}
''
