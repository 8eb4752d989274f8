#!/bin/sh
# Apply: exactly the plan in $DKV_OUT where there is one, else what a fresh plan says.
set -eu
plan=${DKV_OUT:-dkv-out}/plan
if [ -f "$plan" ]; then
  exec dkv apply --format auto --auto-approve "$plan"
fi
exec dkv apply --format auto --auto-approve --file "${DKV_FILE:-dkv.yaml}" ${DKV_ENV:+--env "$DKV_ENV"}
