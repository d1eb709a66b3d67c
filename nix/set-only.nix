# Settings without the keys that are null, which TOML cannot write.
lib: lib.filterAttrsRecursive (_: value: value != null)
