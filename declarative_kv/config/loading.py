"""From files to a document: read, choose the environment, replace variables, merge, check, build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path as FilePath

from declarative_kv.config import grants, invariants, moves, policies, settings, vaults
from declarative_kv.config.draft import Draft
from declarative_kv.config.environment import Choice, choose
from declarative_kv.config.files import Parsed, mentions, open_included, open_root
from declarative_kv.config.hidden import slipped_in
from declarative_kv.config.merge import Assembly, assemble, overlay, with_defaults
from declarative_kv.config.principals import principals
from declarative_kv.config.problem import MAX_PROBLEMS, Problem, choices, diagnostic
from declarative_kv.config.reading import DISK, Files
from declarative_kv.config.schema import Defaults, Root
from declarative_kv.config.secrets import secrets
from declarative_kv.config.source import Sources, pack
from declarative_kv.config.tree import Map
from declarative_kv.config.validate import Overwhelmed, Path, Unfit, validate
from declarative_kv.config.variables import Variables, replace_all, settle
from declarative_kv.model.diagnostic import Diagnostic, Severity
from declarative_kv.model.document import Document
from declarative_kv.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Request:
    """What a load is asked for; `root` is as the user wrote it, from `cwd`.

    `texts`, `disk` and `prefix` are those of `Sources`.
    """

    root: FilePath
    environment: str | None
    variables: Mapping[str, str]
    state: str | None
    environ: Mapping[str, str]
    cwd: FilePath
    texts: Mapping[FilePath, str] = field(default_factory=dict)
    disk: Files = DISK
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document with what it was made of: the merged tree, the files, and which environment was laid over."""

    document: Document
    tree: Map
    files: tuple[Parsed, ...]
    choice: Choice


def load(request: Request) -> Document:
    """The document, or a `ConfigError` with every mistake in it."""
    return examine(request).document


def environments(request: Request) -> tuple[str, ...]:
    """The environments that the root file declares; none where it cannot be read, which a load says better."""
    sources = Sources(texts=request.texts, disk=request.disk)
    if not mentions(request.root, request.cwd, sources, b"environments"):
        return ()  # which saves reading a large file twice
    root, _ = open_root(request.root, request.cwd, sources)
    return choose(root, None).names if root is not None else ()


def examine(request: Request) -> Loaded:
    """The document and how it came about; `texts` stand for the files of those paths as if they were written."""
    sources = Sources(texts=request.texts, disk=request.disk, prefix=request.prefix)
    root, problems = open_root(request.root, request.cwd, sources)
    if root is None:
        raise refusal(problems, sources, ())
    choice = choose(root, request.environment)
    problems += choice.problems
    if not choice.settled:
        raise refusal(problems, sources, root.trees)
    problems += _shared_state(choice, request)
    variables, found = settle(choice.variables, _given(request))
    problems += found
    included, unsettled, found = _texts(root, choice, variables, sources)
    problems += found
    problems += _unused(request, choice, sources)
    trees = [tree for file in (root, *included) for tree in file.trees]
    conceal = partial(_conceal, sources, trees)
    try:
        draft = build(_merged(root, included, choice, sources, problems, conceal), sources, conceal)
        document = _document(draft, request, root)
    except Overwhelmed as error:
        raise refusal([*problems, *error.problems], sources, trees) from error
    problems += [each for each in draft.problems if each.mark not in unsettled]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise refusal(problems, sources, trees)
    document = replace(document, warnings=_diagnostics(problems, sources))
    return Loaded(document, draft.tree, (root, *included), choice)


def _texts(
    root: Parsed, choice: Choice, variables: Variables, sources: Sources
) -> tuple[list[Parsed], set[int], list[Problem]]:
    """Replace the variables of all files and open the included ones; also the marks of what could not be settled."""
    problems, unsettled = replace_all(root.source, (choice.body, choice.over), variables)
    included, found = open_included(Parsed(root.source, choice.body), sources)
    problems += found
    for file in included:
        found, marks = replace_all(file.source, (file.tree,), variables)
        problems += found
        unsettled |= marks
    return included, unsettled, problems


def _given(request: Request) -> Mapping[str, str]:
    """The variables that the operator gives; the environment's name is one of them."""
    named = {} if request.environment is None else {"env": request.environment}
    return {**request.variables, **named}


def _merged(
    root: Parsed,
    included: Iterable[Parsed],
    choice: Choice,
    sources: Sources,
    problems: list[Problem],
    conceal: Callable[[], None],
) -> Map:
    """One tree of all files and the environment, defaults filled in; adds what is wrong to the problems."""
    assembly, found = assemble(Parsed(root.source, choice.body), included, sources)
    problems += found
    merged, found = overlay(assembly.tree, choice.over)
    problems += found
    home = root.source.number
    if isinstance(merged.get("defaults"), Map):
        assembly.defaults[home] = merged["defaults"]
    for defaults in (each for number, each in assembly.defaults.items() if number != home):
        _, found, _ = validate(defaults, Defaults, conceal)
        problems += found
    return with_defaults(Assembly(merged, assembly.defaults, assembly.homes), home)


def build(tree: Map, sources: Sources, conceal: Callable[[], None]) -> Draft:
    """Check the merged tree and make resources of it."""
    try:
        return _built(tree, sources, [], frozenset())
    except Unfit:
        # Only the whole tree shows every mistake; what is wrong is taken out of it, and the rest is built.
        _, problems, broken = validate(tree, Root, conceal)
        return _built(tree, sources, problems, broken)


def _built(tree: Map, sources: Sources, problems: list[Problem], broken: frozenset[Path]) -> Draft:
    """The resources of a tree that fits the schema; raises `Unfit` where it does not.

    The models of secrets are made vault by vault, and gone when the vault is built: they are larger than all else.
    """
    model = Root.model_validate(vaults.without_secrets(tree))
    subscriptions = {key: value for key, value in (model.subscriptions or {}).items() if value is not None}
    draft = Draft(model, tree, sources, broken, subscriptions, problems=problems)
    if model.version is None and not draft.is_broken("version"):
        detail = "The root file says which version of the format it is written in."
        draft.report("missing-setting", detail, "Write `version: 1` on its first line.", pack(0, 0, 0, 1))
    vaults.resource_groups(draft)
    vaults.vaults(draft)
    draft.shared_key, draft.fingerprint_off = settings.fingerprint(draft)
    for vault in [address for address in draft.resources if address.kind == "vault"]:
        entry, node = vaults.below(draft, vault.path)
        policies.of_vault(draft, vault, entry)
        secrets(draft, vault, entry)
        grants.of_vault(draft, vault, entry, node)
    policies.on_many(draft)
    grants.reader_roles(draft)
    grants.role_assignments(draft)
    moves.moved(draft)
    moves.removed(draft)
    return draft


def _document(draft: Draft, request: Request, root: Parsed) -> Document:
    return Document(
        root=str(root.source.path),
        environment=request.environment,
        cloud=settings.cloud(draft, request.environ),
        tenant=settings.tenant(draft, request.environ),
        subscription=settings.default_subscription(draft, request.environ),
        subscriptions=draft.subscriptions,
        state=settings.state(draft, request.state, root.source.folder, request.cwd),
        principals=principals(draft),
        resources=draft.resources,
        fingerprint=draft.shared_key,
        fingerprint_off=draft.fingerprint_off,
        moved=draft.moved,
        removed=draft.removed,
        invariants=invariants.invariants(draft),
        guards=invariants.switched_on(draft),
        lint=invariants.lint(draft),
    )


def _shared_state(choice: Choice, request: Request) -> list[Problem]:
    """A warning where several environments would keep their objects in one state, each undoing the other's."""
    written = choice.over.get("state", choice.body.get("state"))
    if request.state is not None or len(choice.names) < 2 or "state" in choice.over or "$(" in str(written):
        return []
    detail = "A plan of one environment would propose to destroy what another one made."
    hint = "Write `state: state/NAME-$(env).json`."
    mark = choice.body.key_mark("state") if "state" in choice.body else choice.at
    return [Problem("shared-state", detail, hint, mark, severity=Severity.WARNING)]


def _unused(request: Request, choice: Choice, sources: Sources) -> list[Problem]:
    """A warning for each variable that the operator gives and nothing takes: mostly a name with a slip in it."""
    declared = frozenset(choice.variables or ())
    unused = [
        name
        for name in request.variables
        if name not in declared and not any(f"$({name})" in file.text for file in sources.files)
    ]
    return [
        Problem(
            "unused-variable",
            f"`--var {name}=…` is given, and no file uses `$({name})`.",
            choices(name, declared, what="variables"),
            None,
            severity=Severity.WARNING,
        )
        for name in unused
    ]


def _diagnostics(problems: Iterable[Problem], sources: Sources) -> tuple[Diagnostic, ...]:
    """The problems as people see them, sorted by place; one that is met twice (through an alias) counts once."""
    unique = {(problem.code, problem.mark, problem.detail): problem for problem in reversed(list(problems))}
    ordered = sorted(unique.values(), key=lambda each: (each.severity is not Severity.ERROR, each.mark or 0))
    kept = ordered[:MAX_PROBLEMS]
    if len(kept) < len(ordered):
        detail = f"The first {len(kept):,} of at least {len(ordered):,} mistakes are listed."
        kept.append(Problem("too-many-problems", detail, "Check that this is the right file."))
    found = (diagnostic(problem, sources) for problem in kept)
    return tuple(sorted(found, key=lambda each: each.place))


def refusal(problems: Iterable[Problem], sources: Sources, trees: Iterable[Map]) -> ConfigError:
    """The problems as one error, in which nothing shows that may be a secret's value."""
    _conceal(sources, trees)
    return ConfigError(*_diagnostics(problems, sources))


def _conceal(sources: Sources, trees: Iterable[Map]) -> None:
    """Keep what may be a secret's value out of every line that is shown."""
    for tree in trees:
        for mark in slipped_in(tree):
            sources.hide(mark)
