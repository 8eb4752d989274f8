"""What one grant gives by itself, whatever else there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from declarative_kv.engine.access.difference import access_lines
from declarative_kv.engine.access.estate import Estate, Vault, normal
from declarative_kv.engine.access.picture import picture, policy_of
from declarative_kv.model.access import NOTHING_AROUND
from declarative_kv.model.specs import AccessPolicySpec, RoleAssignmentSpec


def held_by(spec: object) -> Mapping[str, str]:
    """The phrases that a grant gives, each with what gives it in Azure's words; `{}` for a spec that grants nothing.

    A role is taken to open contents, as it does wherever the access model is roles.
    """
    match spec:
        case RoleAssignmentSpec():
            after = picture([(None, spec)], NOTHING_AROUND, {})
            before = replace(after, assignments=())
        case AccessPolicySpec():
            policy = policy_of(spec, None)
            before = Estate(vaults=(Vault(normal(str(spec.vault)), rbac=False),))
            after = replace(before, vaults=(replace(before.vaults[0], policies=(policy,)),))
        case _:
            return {}
    return {line.phrase: line.via for line in access_lines(before, after)}
