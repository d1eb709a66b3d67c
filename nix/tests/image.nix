# What the image contains, and what it does not.
{
  runCommand,
  jq,
  facts,
  image,
}:
runCommand "event-fetcher-image"
  {
    nativeBuildInputs = [ jq ];
    uid = facts.uid;
    inherit (facts) configFile;
    imageName = facts.name;
  }
  ''
    mkdir image root
    tar -xf ${image} -C image
    for layer in $(jq -r '.[0].Layers[]' image/manifest.json); do
      tar -xf "image/$layer" -C root --no-same-owner --no-same-permissions
      chmod -R u+w root
    done
    config="image/$(jq -r '.[0].Config' image/manifest.json)"

    holds() { jq -e "$1" "$config" >/dev/null || { echo "not so: $1"; jq . "$config"; exit 1; }; }
    holds ".config.User | startswith(\"$uid:\")"
    holds '.config.Healthcheck.Test[0] == "CMD"'
    holds ".config.Labels[\"org.opencontainers.image.title\"] == \"$imageName\""
    holds '.config.Env | all(startswith("TOKEN=") | not)'
    holds '.config.Labels | all(. != "")'
    jq -e --arg tag "$imageName:latest" '.[0].RepoTags == [$tag]' image/manifest.json >/dev/null

    cmp "root$configFile" ${../../Fetcher.toml}
    test -x "root$(jq -r '.config.Entrypoint[0]' "$config")"
    test -s "root$(jq -r '.config.Env[] | select(startswith("SSL_CERT_FILE=")) | sub("SSL_CERT_FILE="; "")' "$config")"

    shells=$(find root \( -type f -o -type l \) \( -name sh -o -name bash -o -name busybox -o -name dash \) -path '*bin*')
    test -z "$shells" || { echo "a shell: $shells"; exit 1; }
    touch "$out"
  ''
