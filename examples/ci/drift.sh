#!/bin/sh
# Drift: text in the log, what the platform shows, and the reports in $DKV_OUT. Exits 2 where something changed outside.
set -eu
out=${DKV_OUT:-dkv-out}
mkdir -p "$out"
exec dkv drift --format auto --file "${DKV_FILE:-dkv.yaml}" ${DKV_ENV:+--env "$DKV_ENV"} \
  --out "$out/drift.md" --out "$out/drift.html" --out "$out/drift.json" --out "$out/drift.sarif" --out "$out/drift.xml"
