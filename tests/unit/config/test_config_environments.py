"""Environments and variables: maps merge, lists and scalars replace, null removes; `$(name)` works in values only."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from declarative_kv.model.address import Address
from declarative_kv.model.diagnostic import Severity
from tests.unit.config.yamls import PEOPLE, document, loaded, places, refused, unmarked, vault

LAYERS = document(
    """
    environments:
      test: null
      live:
        vaults:
          kv-one:
            sku: premium
            network: {default: allow, ip_rules: [198.51.100.0/24]}
            tags: {stage: live, old: null}
            secrets: {db: {value_from: {file: db}}, gone: null}
          kv-new: {access: rbac}
        defaults: {location: northeurope}
    defaults: {location: westeurope, resource_group: rg}
    vaults:
      kv-one:
        access: policies
        network: {default: deny, ip_rules: [203.0.113.0/24], public: true}
        tags: {team: a, old: b}
        secrets: {db: {value_from: {env: DB}, content_type: text}, gone: {value_from: kept}}
    state: state/$(env).json
    """
)


def test_an_environment_lies_over_the_file(tmp_path: Path) -> None:
    found = loaded(tmp_path, LAYERS, environment="live")

    spec = found.resources[Address("vault", "kv-one")].spec
    assert (spec.sku, spec.location, spec.tags) == ("premium", "northeurope", {"team": "a", "stage": "live"})
    assert (spec.network.default, spec.network.ip_rules, spec.network.public) == ("allow", ("198.51.100.0/24",), True)
    db = found.resources[Address("secret", "kv-one/db")].spec
    assert (str(db.source), db.content_type) == ("file db", "text")
    assert Address("secret", "kv-one/gone") not in found.resources
    assert found.resources[Address("vault", "kv-new")].spec.location == "northeurope"
    assert (found.environment, found.state) == ("live", str(tmp_path / "state" / "live.json"))
    assert found.warnings == ()


def test_an_empty_environment_changes_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path, LAYERS, environment="test")

    assert found.resources[Address("vault", "kv-one")].spec.sku is None
    assert Address("secret", "kv-one/gone") in found.resources


def test_an_environment_lies_over_included_files_too(tmp_path: Path) -> None:
    text = document("include: [a.yaml]\nenvironments: {live: {vaults: {kv-one: {sku: premium}}}}")
    entry = "vaults: {kv-one: {access: rbac, location: westeurope, resource_group: rg}}\n"

    found = loaded(tmp_path, text, files={"a.yaml": entry}, environment="live")

    resource = found.resources[Address("vault", "kv-one")]
    assert (resource.spec.sku, str(resource.span), str(resource.spans["sku"])) == (
        "premium",
        "a.yaml:1:10",
        "dkv.yaml:4:41",
    )


def test_a_file_with_environments_asks_for_one(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, LAYERS)

    assert found.code == "environment-required"
    assert "`live`, `test`" in found.detail
    assert "-e live" in found.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (LAYERS, "Did you mean `live`?"),
        (document(""), "There are no environments yet; declare it first."),
    ],
)
def test_an_environment_that_is_not_declared_is_an_error(text: str, hint: str, tmp_path: Path) -> None:
    (found,) = refused(tmp_path, text, environment="liv")

    assert (found.code, found.hint) == ("unknown-environment", hint)


def test_what_is_wrong_with_an_environment_shows_whichever_is_chosen(tmp_path: Path) -> None:
    clean, expected = unmarked(
        document(
            """
            environments:
              live: {}
              test: ⟦wrong-type⟧none
              ⟦invalid-key⟧a/b: null
              other: {⟦unknown-key⟧vault: {}, vaults: {x: {skuu: premium}}, ⟦misplaced-setting⟧version: 1}
            state: $(env)
            """.replace("skuu", "⟦unknown-key⟧skuu")
        )
    )

    assert places(refused(tmp_path, clean, environment="live")) == expected


def test_the_chosen_environment_that_is_no_map_is_one_mistake(tmp_path: Path) -> None:
    clean, expected = unmarked(document("environments: {live: ⟦wrong-type⟧none}\nstate: $(env)"))

    assert places(refused(tmp_path, clean, environment="live")) == expected


def test_the_chosen_environment_may_not_change_what_is_the_same_for_all(tmp_path: Path) -> None:
    clean, expected = unmarked(document("environments: {live: {⟦misplaced-setting⟧include: [x.yaml]}}\nstate: $(env)"))

    assert places(refused(tmp_path, clean, environment="live")) == expected


@pytest.mark.parametrize("environment", [None, "live"])
def test_environments_that_are_no_map_are_a_mistake(environment: str | None, tmp_path: Path) -> None:
    clean, expected = unmarked(document("⟦wrong-type⟧environments: [live]"))

    assert places(refused(tmp_path, clean, environment=environment)) == expected


def test_a_null_that_removes_nothing_is_a_warning(tmp_path: Path) -> None:
    text = vault("access_policies: {ci: {secrets: [get]}}") + (
        "environments: {live: {vaults: {kv-one: {sku: null, access_policies: {cii: null}}}}}\nstate: $(env)\n"
    )

    found = loaded(tmp_path, text, environment="live")

    assert [(each.code, each.hint) for each in found.warnings] == [
        ("nothing-removed", "Take the line out."),
        ("nothing-removed", "Did you mean `ci`?"),
    ]


STATES = [
    ("", None, 1),
    ("state: state/all.json", None, 1),
    ("state: state/$(env).json", None, 0),
    ("state: state/all.json", "given.json", 0),
]


@pytest.mark.parametrize(("line", "given", "count"), STATES)
def test_environments_that_share_a_state_are_a_warning(
    line: str, given: str | None, count: int, tmp_path: Path
) -> None:
    found = loaded(tmp_path, document(f"environments: {{a: , b: }}\n{line}"), environment="a", state=given)

    assert [each.code for each in found.warnings] == ["shared-state"] * count


def test_an_environment_with_a_state_of_its_own_shares_none(tmp_path: Path) -> None:
    found = loaded(tmp_path, document("environments: {a: {state: a.json}, b: {state: b.json}}"), environment="a")

    assert (found.warnings, found.state) == ((), str(tmp_path / "a.json"))


VARIABLES = textwrap.dedent(
    f"""
    version: 1
    {PEOPLE}
    vars: {{team: shop, name: kv-$(team)-$(env), unset: null, number: 30}}
    environments: {{live: {{vars: {{team: store}}}}}}
    vaults:
      kv-one:
        name: $(name)
        access: rbac
        location: westeurope
        resource_group: rg
        retention_days: $(number)
        tags: {{literal: $$(team), both: "$(team) $$(team) $(team)", dollar: $5, $(team): x}}
    state: $(env).json
    """
)


def test_variables_are_replaced_in_values(tmp_path: Path) -> None:
    spec = loaded(tmp_path, VARIABLES, environment="live").resources[Address("vault", "kv-one")].spec

    assert (spec.name, spec.retention_days) == ("kv-store-live", 30)
    assert spec.tags == {"literal": "$(team)", "both": "store $(team) store", "dollar": "$5", "$(team)": "x"}


def test_the_operator_s_variables_win(tmp_path: Path) -> None:
    found = loaded(tmp_path, VARIABLES, environment="live", variables={"team": "mine", "other": "x"})

    assert found.resources[Address("vault", "kv-one")].spec.name == "kv-mine-live"
    (warning,) = found.warnings
    assert (warning.code, warning.severity) == ("unused-variable", Severity.WARNING)
    assert "`--var other=…`" in warning.detail


def test_a_variable_that_is_used_but_not_declared_is_no_slip(tmp_path: Path) -> None:
    text = document("state: $(place).json")
    assert loaded(tmp_path, text, variables={"place": "s"}).warnings == ()


def test_an_environment_may_bring_all_variables(tmp_path: Path) -> None:
    text = document("environments: {live: {vars: {a: b}}}\nstate: $(a).json")

    assert loaded(tmp_path, text, environment="live").state == str(tmp_path / "b.json")


def test_a_literal_behind_an_alias_is_read_once(tmp_path: Path) -> None:
    text = vault("tags: &tags {a: $$(b)}") + "resource_groups: {rg: {location: westeurope, tags: *tags}}\n"

    found = loaded(tmp_path, text.replace("tags: *tags", "existing: true"))
    twice = vault("tags: {a: $$(b)}\nsecrets: {x: &x {value_from: kept, content_type: $$(b)}, y: *x}")

    assert found.resources[Address("vault", "kv-one")].spec.tags == {"a": "$(b)"}
    contents = [each.spec.content_type for each in loaded(tmp_path, twice).resources.values() if each.address.key]
    assert contents == ["$(b)", "$(b)"]


def test_variables_work_in_included_files_and_in_lists(tmp_path: Path) -> None:
    text = document("vars: {file: a, range: 203.0.113.0/24}\ninclude: [$(file).yaml]")
    entry = "vaults: {kv-one: {existing: true, network: {ip_rules: [$(range)]}}}\n"

    found = loaded(tmp_path, text, files={"a.yaml": entry})

    assert found.resources[Address("vault", "kv-one")].spec.network.ip_rules == ("203.0.113.0/24",)


MISTAKES = {
    "an unknown one": vault("name: ⟦unknown-variable⟧kv-$(suffix)"),
    "one that is not closed": vault("name: ⟦variable-syntax⟧kv-$(suffix"),
    "two in one value": vault("tags: {a: ⟦unknown-variable⟧$(b)$(b)}"),
    "the environment where there is none": document("state: ⟦unknown-variable⟧state/$(env).json"),
    "a circle": document("vars: {a: $(b), b: ⟦variable-cycle⟧$(a)}\nstate: $(a)$(b).json").replace(
        "vars: {a: $(b)", "vars: {a: ⟦variable-cycle⟧$(b)"
    ),
    "one that needs an unknown one": document("vars: {a: ⟦unknown-variable⟧$(x)}\nstate: $(a).json"),
    "one that is no text": document("vars: {a: ⟦wrong-type⟧[x], b: $(a)}\nstate: $(a)$(b).json"),
    "variables that are no map": document("vars: ⟦wrong-type⟧[x]"),
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_a_variable_without_a_value_is_one_mistake(text: str, tmp_path: Path) -> None:
    clean, expected = unmarked(text)

    found = refused(tmp_path, clean)

    assert {each.code for each in found} == {code for code, _, _ in expected}
    assert set(places(found)) <= set(expected)


def test_an_unknown_variable_in_an_included_file_is_told_there(tmp_path: Path) -> None:
    (found,) = refused(
        tmp_path, document("include: [a.yaml]"), files={"a.yaml": "vaults: {kv: {existing: true, name: $(x)}}"}
    )

    assert (found.code, str(found.span)) == ("unknown-variable", "a.yaml:1:37")


def test_variables_that_are_no_map_in_an_environment_are_told_there(tmp_path: Path) -> None:
    clean, expected = unmarked(
        document("environments: {live: {vars: ⟦wrong-type⟧[x]}}\nvars: {a: b}\nstate: $(env)$(a)")
    )

    assert places(refused(tmp_path, clean, environment="live")) == expected
