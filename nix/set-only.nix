# Removes the keys that are null, which TOML cannot represent.
lib: lib.filterAttrsRecursive (_: value: value != null)
