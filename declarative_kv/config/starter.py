"""The file that `dkv init` writes."""

from __future__ import annotations

STARTER = """\
# A first configuration. It plans and applies against the built-in emulator as it stands:
#     dkv plan
#     dkv apply
# For Azure itself take out `cloud: emulator`, sign in (`az login`), and give the vault a name nobody has yet.
version: 1
cloud: emulator
state: state/dkv.json

defaults:
  resource_group: rg-example
  location: westeurope
  tags: {team: example}

principals:
  deployer: {current: true}        # the identity that runs dkv

resource_groups:
  rg-example: {}

vaults:
  kv-example:                      # the name of a vault is global: the key, unless `name` says otherwise
    access: policies               # policies | rbac
    sku: standard
    retention_days: 7
    access_policies:
      deployer: {template: secret-management}
    secrets:
      session-key:
        value_from: {generate: {length: 48}}
        content_type: text/plain
"""
