#!/bin/sh
# Plan: text in the log, what the platform shows, and in $DKV_OUT the plan for apply with its reports.
# Exits 0 with changes and without; 1 error, 3 blocked by a guard, 4 incomplete.
set -eu
out=${DKV_OUT:-dkv-out}
mkdir -p "$out"
set -- plan --format auto --detailed-exitcode --file "${DKV_FILE:-dkv.yaml}" ${DKV_ENV:+--env "$DKV_ENV"} \
  --out "$out/plan" --report "$out/plan.md" --report "$out/plan.html" --report "$out/plan.json"
code=0
dkv "$@" || code=$?
[ "$code" -ne 2 ] || code=0
exit "$code"
