#!/bin/sh
# Check a change without any right, from a fork too: its layout, what lint finds, and in $DKV_OUT/review.md what it means.
# $DKV_BASE is what it is compared with. Exits 0; 1 mistake, 2 layout, 3 blocked by lint or a guard: the first of these.
set -eu
file=${DKV_FILE:-dkv.yaml}
out=${DKV_OUT:-dkv-out}
base=$(git merge-base "${DKV_BASE:-origin/main}" HEAD)
mkdir -p "$out"
code=0
dkv fmt --check --diff --file "$file" || code=$?
dkv lint --format auto --file "$file" ${DKV_ENV:+--env "$DKV_ENV"} || { found=$?; [ "$code" -ne 0 ] || code=$found; }
dkv review "$base" HEAD --file "$file" ${DKV_ENV:+--env "$DKV_ENV"} --markdown > "$out/review.md" ||
  { found=$?; [ "$code" -ne 0 ] || code=$found; }
cat "$out/review.md"
exit "$code"
