# A serviceConfig as the text of a unit file; enough for what unit.nix holds. Needs no nixpkgs.
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
