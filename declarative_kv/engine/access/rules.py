"""The rules of the analysis by name, each a sentence of Azure's documents. Tests switch off one at a time."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """One rule; its value says what holds while it is on."""

    GROUPS = "members hold what their groups hold"
    NESTED_GROUPS = "a group in a group passes on what the outer one holds"
    INHERITED = "a role assignment reaches everything below its scope"
    BELOW_VAULT = "a role assignment may stand on one object of a vault"
    ROOT = "the root scope reaches everything"
    MANAGEMENT_GROUPS = "a management group reaches the subscriptions in it"
    WILDCARDS = "a star in a role or a denial stands for any text"
    NOT_ACTIONS = "NotActions take out of the actions of their block"
    NOT_DATA_ACTIONS = "NotDataActions take out of the data actions of their block"
    CONDITIONS = "a condition limits an assignment or a block of a role"
    DENIALS = "a deny assignment wins over every role assignment"
    DENIED_EVERYONE = "a deny assignment may be for all principals"
    DENIED_GROUPS = "a deny assignment for a group holds for its members"
    DENIAL_EXCLUDES = "a deny assignment leaves out whom it excludes"
    DENIAL_ALONE = "a deny assignment may hold at its own scope alone"
    DENIAL_NOT_ACTIONS = "NotActions and NotDataActions take out of a denial"
    ROLES_OPEN_RBAC = "roles open the contents of a vault only where its access model is roles"
    POLICIES_OPEN_POLICIES = "policies open the contents of a vault only where its access model is policies"
    POLICY_ALL = "the permission `all` is every permission"
    OWN_POLICY_BY_VAULT = "who may write a vault with policies may give itself a policy"
    OWN_POLICY = "who may write access policies may give itself one"
    OWN_ROLE = "who may write role assignments may give itself a role"
    OWN_ROLE_LIMITS = "a condition limits which roles one may give itself"
    OWN_ROLE_AGAIN = "a role given to oneself may let one give oneself more"
    SWITCH_MODEL = "who may write the vault, and role assignments without limits, may switch its access model"
    WRITE_SECRETS = "Resource Manager writes secrets for who may write them there, around network and data plane"
    WRITE_KEYS = "Resource Manager makes keys for who may write them there, around network and data plane"
    READ_NAMES = "Resource Manager lists secrets and keys for who may read them there"


Rules = frozenset[Rule]
ALL: Final[Rules] = frozenset(Rule)
