# Converts a flake's lastModifiedDate (20260102030405) to the format of images (2026-01-02T03:04:05Z).
{ lib, lastModifiedDate }:
let
  part = from: length: lib.substring from length lastModifiedDate;
in
if lastModifiedDate == null then
  "1970-01-01T00:00:01Z"
else
  "${part 0 4}-${part 4 2}-${part 6 2}T${part 8 2}:${part 10 2}:${part 12 2}Z"
