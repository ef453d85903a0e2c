"""What `icp.toml` may hold.

```
WorkspaceConfig
 ├─ [workspace]            name, and the folder that paths start from
 ├─ [[sources]]            the exports: SourceConfig each
 ├─ [assembly.customers]   how they become one row per account: AssemblyPlan
 ├─ [assembly.prospects]
 ├─ [outcome]              what best and regrettable mean: OutcomePolicy
 ├─ [economics]            money that decides when pursuing pays
 ├─ [learning]             groups, dates, options, accepted columns
 ├─ [[policy]]             conditions under which we never sell, whatever the score
 └─ [roles]                person = viewer | rep | analyst | admin
```
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

import tomlkit
from pydantic import BaseModel, Field, ValidationError, model_validator
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Table

from icp.conditions import ConditionText, parse
from icp.disqualifiers import Disqualifier, policy_rule
from icp.documents import Frozen
from icp.errors import ConfigError, counted, near
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import Economics, OutcomePolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import polars as pl

    from icp.conditions import Condition
    from icp.ingest.readers import ReadOptions


class WorkspaceSection(Frozen):
    """[workspace]: what the workspace is called and where its files are."""

    name: str = ""
    #: Folder that sources' paths start from; empty means the folder of `icp.toml`.
    #: `${NAME}` stands for an environment variable.
    root: str = ""


#: A source's name is part of file names.
SOURCE_NAME: Final = r"^[A-Za-z0-9_][A-Za-z0-9_. -]*$"
SourceObject = Literal["accounts", "deals", "invoices", "tickets", "prospects", "other"]


class SourceConfig(Frozen):
    """One export: a file, or a database with a query."""

    name: str = Field(pattern=SOURCE_NAME)
    object: SourceObject = "accounts"
    #: A file; `${NAME}` stands for an environment variable.
    path: str | None = None
    #: A database URL; write its password as `${NAME}`, never in the file.
    url: str | None = None
    query: str | None = None
    sheet: str | None = None
    #: The saved column mapping; null means `mappings/<name>.json`.
    mapping: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = Field(default=None, ge=1)
    no_header: bool = False
    repair: bool = True
    strict: bool = False
    max_bytes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either 'path' or 'url', not both")
        if (self.url is None) != (self.query is None):
            raise ValueError("'url' and 'query' belong together")
        return self

    @property
    def options(self) -> ReadOptions:
        """How to read it."""
        from icp.ingest.readers import ReadOptions

        names = ("sheet", "encoding", "delimiter", "header_line", "query", "max_bytes")
        settings = {name: getattr(self, name) for name in names}
        return ReadOptions(
            no_header=self.no_header,
            repair=self.repair,
            strict=self.strict,
            **{name: value for name, value in settings.items() if value is not None},
        )


class AssemblyConfig(Frozen):
    """[assembly]: how the sources become customers and prospects; null means as is."""

    customers: AssemblyPlan | None = None
    prospects: AssemblyPlan | None = None


_Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EconomicsConfig(Frozen):
    """[economics], in money; null amounts are taken from the labelled customers."""

    value_of_best: _Money | None = None
    loss_of_regrettable: _Money | None = None
    cost_to_pursue: _Money = 0.0

    def economics(self, labelled: pl.DataFrame | pl.LazyFrame, /) -> Economics:
        """The amounts given here, the others from the labelled customers."""
        return Economics.from_labelled(
            labelled,
            value=self.value_of_best,
            loss=self.loss_of_regrettable,
            cost=self.cost_to_pursue,
        )


class Accepted(Frozen):
    """A person's word that a suspicious column is known in time."""

    column: str = Field(min_length=1)
    who: str = Field(min_length=1)
    why: str = Field(min_length=1)


class LearningConfig(Frozen):
    """[learning]: what the learner must respect."""

    #: Column whose equal values stay together when quality is measured.
    group: str | None = None
    #: Date column: earlier customers are compared with newer ones, for drift. Where it
    #: is not given, the date from which customers mature does.
    date: str | None = None
    accept: tuple[Accepted, ...] = ()
    #: Settings of `icp.learn.FitOptions` by name.
    options: dict[str, bool | int | float | str | tuple[str, ...]] = {}


class PolicyConfig(Frozen):
    """[[policy]]: a rule that people lay down; learnt and traded against nothing."""

    #: The condition, as in "industry = 'Arms'"; whoever it covers is walked away from.
    when: ConditionText
    #: Code of the reason to walk away.
    reason: str = Field(default="ethics", min_length=1)
    #: The words, and who said them on which day.
    why: str = Field(min_length=1)
    who: str = Field(min_length=1)
    since: date
    title: str = ""
    exit: str = ""
    #: When to look at it again.
    review_on: date | None = None

    @property
    def rule(self) -> Disqualifier:
        """The rule it stands for."""
        return policy_rule(
            self.when,
            by=self.who,
            reason=self.reason,
            why=self.why,
            on=self.since,
            title=self.title,
            exit=self.exit,
            review_on=self.review_on,
        )


#: The workspace file's name.
CONFIG_FILE: Final = "icp.toml"
RoleName = Literal["viewer", "rep", "analyst", "admin"]


class WorkspaceConfig(Frozen):
    """The whole of `icp.toml`."""

    workspace: WorkspaceSection = WorkspaceSection()
    sources: tuple[SourceConfig, ...] = ()
    assembly: AssemblyConfig = AssemblyConfig()
    outcome: OutcomePolicy | None = None
    economics: EconomicsConfig = EconomicsConfig()
    learning: LearningConfig = LearningConfig()
    policy: tuple[PolicyConfig, ...] = ()
    roles: dict[str, RoleName] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [source.name for source in self.sources]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{counted(twice, 'source')} declared more than once")
        for population in ("customers", "prospects"):
            plan: AssemblyPlan | None = getattr(self.assembly, population)
            unknown = set(plan.sources).difference(names) if plan else set()
            if unknown:
                message = f"[assembly.{population}] names "
                message += f"{counted(unknown, 'unknown source')}; "
                raise ValueError(message + near(min(unknown), names))
        whens = [str(policy.when) for policy in self.policy]
        if again := {when for when in whens if whens.count(when) > 1}:
            raise ValueError(f"[[policy]] says more than once: {min(again)}")
        return self

    def source(self, name: str, /) -> SourceConfig:
        """The source of that name; raises ConfigError."""
        for source in self.sources:
            if source.name == name:
                return source
        names = [source.name for source in self.sources]
        raise ConfigError(f"no source {name!r} in {CONFIG_FILE}; {near(name, names)}")

    def location(self, source: SourceConfig, folder: Path, /) -> str | Path:
        """Where a source is: its URL, or its file under the workspace's `folder`.

        Raises ConfigError where an environment variable it names is not set.
        """
        if source.url is not None:
            return _expand(source.url)
        root = folder / _expand(self.workspace.root)
        return root / _expand(source.path or "")

    def mapping_file(self, source: SourceConfig, folder: Path, /) -> Path:
        """Where a source's saved column mapping is, there or not."""
        return folder / (source.mapping or f"mappings/{source.name}.json")


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expand(text: str) -> str:
    missing = {name for name in _VARIABLE.findall(text) if name not in os.environ}
    if missing:
        message = f"{counted(missing, 'environment variable')} not set; set it first"
        raise ConfigError(message)
    return _VARIABLE.sub(lambda match: os.environ[match[1]], text)


_MISSING_FILE = "there is no workspace here; run icp init"


def load_config(path: Path, /) -> WorkspaceConfig:
    """Read a workspace file, or the one in a workspace folder; raises ConfigError."""
    file = path / CONFIG_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: {_MISSING_FILE}") from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read as UTF-8 text; save it as UTF-8"
        raise ConfigError(message) from error
    return parse_config(text, file=str(file))


def parse_config(text: str, /, *, file: str = CONFIG_FILE) -> WorkspaceConfig:
    r"""Read the text of a workspace file; `file` is its name in messages.

    >>> parse_config('[workspace]\nnam = "x"')
    Traceback (most recent call last):
    ...
    icp.errors.ConfigError: icp.toml: workspace.nam: unknown key; did you mean 'name'?
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: not valid TOML: {error}; correct that line"
        raise ConfigError(message) from error
    try:
        return WorkspaceConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_mistakes(error, file)) from error


_MOST_MISTAKES = 5


def _mistakes(error: ValidationError, file: str) -> str:
    errors = error.errors(include_url=False, include_input=False)
    lines = [f"{file}: {_mistake_words(dict(mistake))}" for mistake in errors]
    more = len(lines) - _MOST_MISTAKES
    rest = [f"and {more} more"] if more > 0 else []
    return "\n".join(lines[:_MOST_MISTAKES] + rest)


def _mistake_words(mistake: dict[str, Any]) -> str:
    location = tuple(mistake["loc"])
    place = _place(location)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: unknown key; {near(str(location[-1]), _keys(location[:-1]))}"
    if mistake["type"] == "missing":
        return f"{place}: is missing; add it"
    reason = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{place}: {reason[:1].lower()}{reason[1:]}" if place else reason


def _place(location: tuple[str | int, ...]) -> str:
    """`assembly.customers.joins[2].on`, counting from 1 as a person does."""
    steps = (f"[{s + 1}]" if isinstance(s, int) else f".{s}" for s in location)
    return "".join(steps).removeprefix(".")


def _keys(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are known at a place of the document."""
    schema = _schema()
    node: Any = schema
    for step in location:
        node = _step(_resolve(node, schema), step)
    return list(_resolve(node, schema).get("properties", {}))


@cache
def _schema() -> dict[str, Any]:
    return WorkspaceConfig.model_json_schema()


def _step(node: dict[str, Any], step: str | int) -> dict[str, Any]:
    below = node.get("items") if isinstance(step, int) else None
    below = below or node.get("properties", {}).get(step)
    below = below or node.get("additionalProperties")
    return below if isinstance(below, dict) else {}


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    choices = [c for c in node.get("anyOf", []) if c.get("type") != "null"]
    node = choices[0] if choices else node
    name = str(node.get("$ref", "")).rpartition("/")[2]
    definition: dict[str, Any] = schema["$defs"][name] if name else node
    return definition


_DEFAULT: Final = """\
# The workspace of icp: what is read, what "best" and "regrettable" mean, who may do
# what. Lines that start with # are notes and examples: take the # away to use one.
# Only facts about the exports are in here. The data itself lies in .icp/ and in the
# exports, and this file may be shared.

[workspace]
name = {name}

# ---- Where the data comes from -----------------------------------------------------
# One block per export; `icp import FILE` writes them for you. What a source holds is
# its object: accounts, deals, invoices, tickets, prospects or other.
#
# [[sources]]
# name = "accounts"
# object = "accounts"
# path = "sources/accounts.csv"   # or a url and a query
# sheet = "Sheet1"                # workbooks only

# ---- One row per account -----------------------------------------------------------
# Not needed while there is one export of accounts. With more, say how to join them.
# Keys are tried in order: id, domain (of a website or e-mail), name.
#
# [assembly.customers]
# base = "accounts"
#
# [[assembly.customers.joins]]
# source = "invoices"
# on = ["id", "domain", "name"]
# aggregates = [
#   {{ name = "revenue", take = "sum", of = "amount", where = "status = 'paid'" }},
#   {{ name = "invoices", take = "count" }},
# ]
#
# [[assembly.customers.derived]]
# name = "revenue_per_head"
# expression = "revenue / employees"

# ---- What best and regrettable mean ------------------------------------------------
# Without this block the outcome is proposed from the columns that exist; look at it
# with `icp label --preview`. The first that applies decides: an outcome set by hand,
# early regret, too young to judge, the label column, the rules, the worth.
#
# [outcome]
# currency = "EUR"
#
# [outcome.worth]
# value = "revenue"
# costs = [
#   {{ name = "support", amount = "60 * support_hours" }},
#   {{ name = "late payment", amount = "collection_cost" }},
# ]
#
# [outcome.thresholds]
# best_top = 0.25             # the quarter that is worth most
# regrettable_below = 0       # customers who cost more than they earn
#
# [[outcome.rules]]
# outcome = "regrettable"
# when = "is_churned"
# reason = "left: {{churn_reason}}"
# early = true                # counts for young customers too
#
# [outcome.maturity]
# start = "customer_since"
# months = 12

# ---- When pursuing pays ------------------------------------------------------------
# Amounts in money. What is not given is taken from your customers.
#
# [economics]
# value_of_best = 20000
# loss_of_regrettable = 5000
# cost_to_pursue = 800

# ---- Learning ----------------------------------------------------------------------
# [learning]
# group = "parent_account_id"     # rows that must not be compared with themselves
#
# [[learning.accept]]             # a column that looks too good to be true, and is not
# column = "plan"
# who = "your name"
# why = "chosen on the first call"

# ---- Whom we never sell to ---------------------------------------------------------
# Policy: ethics, law, strategy. Never learnt, shown first, and no score buys it back.
#
# [[policy]]
# when = "industry = 'Arms'"
# reason = "ethics"
# why = "board decision"
# who = "ann"
# since = 2026-01-31

# ---- Who may do what ---------------------------------------------------------------
# Without this block everyone on this computer may do everything.
#
# [roles]
# ann = "admin"
# bob = "rep"
"""


def default_config_text(*, name: str = "My workspace") -> str:
    """A commented workspace file for a new workspace."""
    return _DEFAULT.format(name=tomlkit.string(name).as_string())


def edited(text: str, change: Callable[[str], str], /) -> str:
    """The text after a change, if it still is a workspace file.

    Raises ConfigError where it would not be: not every way to write TOML can be edited.
    """
    try:
        changed = change(text)
        parse_config(changed)
    except (ConfigError, TOMLKitError, ValueError) as error:
        message = (
            f"{CONFIG_FILE} cannot be changed as it is written ({error}); nothing was "
            "changed; write its sections as [name] and [[name]] blocks"
        )
        raise ConfigError(message) from error
    return changed


def add_source(text: str, source: SourceConfig, /) -> str:
    """The text with the source appended, or exchanged where its name exists."""
    document = tomlkit.parse(text)
    sources = _blocks(document, "sources")
    values = {"name": source.name, "object": source.object} | _plain(source)
    _exchange(sources, lambda block: block.get("name") == source.name, values)
    return tomlkit.dumps(document)


def _blocks(parent: Any, key: str) -> AoT:
    """The `[[...]]` blocks of that name, as which `[{...}]` is written from now on."""
    value = parent.get(key)
    if isinstance(value, AoT):
        return value
    blocks = tomlkit.aot()
    for values in value.unwrap() if value else ():
        blocks.append(_table(values))
    if value is not None:
        del parent[key]
    parent[key] = blocks
    return blocks


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table.append(key, _item(value))
    return table


def _item(value: Any) -> Any:
    if isinstance(value, dict):
        return _table(value)
    if not isinstance(value, tuple | list):
        return str(value) if isinstance(value, str) else value
    if value and all(isinstance(item, dict) for item in value):
        tables = tomlkit.aot()
        for item in value:
            tables.append(_table(item))
        return tables
    return list(value)


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="python", exclude_defaults=True, exclude_none=True)


def _exchange(
    blocks: AoT, same: Callable[[Any], bool], values: Mapping[str, Any]
) -> None:
    """Make the block that is the same say `values`, or append one."""
    for table in blocks:
        if same(table):
            _merge(table, values)
            return
    blocks.append(_table(values).add(tomlkit.nl()))


def _merge(table: Any, values: Mapping[str, Any]) -> None:
    """Make the table say `values`, leaving what is the same as it is written."""
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(table.get(key), Table):
            _merge(table[key], value)
        elif key not in table or table[key] != _thaw(value):
            table[key] = _item(value)


def _thaw(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_thaw(item) for item in value]
    return value


def remove_source(text: str, name: str, /) -> str:
    """The text without the source; unchanged where there is none of that name."""
    document = tomlkit.parse(text)
    _remove(document.get("sources", []), lambda block: block.get("name") == name)
    return tomlkit.dumps(document)


def _remove(blocks: Any, same: Callable[[Any], bool]) -> None:
    for position, table in enumerate(blocks):
        if same(table):
            del blocks[position]
            return


def set_outcome(text: str, policy: OutcomePolicy, /) -> str:
    """The text with `[outcome]` saying that policy; comments elsewhere stay."""
    document = tomlkit.parse(text)
    _put(document, "outcome", _plain(policy))
    return tomlkit.dumps(document)


def _put(parent: Any, key: str, values: Mapping[str, Any]) -> None:
    value = parent.get(key)
    if isinstance(value, Table):
        _merge(value, values)
    else:
        parent[key] = _table(values)


def set_assembly(
    text: str, population: Literal["customers", "prospects"], plan: AssemblyPlan, /
) -> str:
    """The text with `[assembly.<population>]` saying that plan."""
    document = tomlkit.parse(text)
    _put(_section(document, "assembly"), population, _plain(plan))
    return tomlkit.dumps(document)


def _section(document: Any, key: str) -> Any:
    """The section of that name, made where there is none; `{...}` becomes one."""
    section = document.get(key)
    if isinstance(section, InlineTable):
        document[key] = _table(section.unwrap())
    elif section is None:
        document.append(key, tomlkit.table(is_super_table=True))
    return document[key]


def accept_column(text: str, answer: Accepted, /) -> str:
    """The text with one more `[[learning.accept]]`, or that column's exchanged."""
    document = tomlkit.parse(text)
    answers = _blocks(_section(document, "learning"), "accept")
    _exchange(answers, lambda block: block["column"] == answer.column, _plain(answer))
    return tomlkit.dumps(document)


def add_policy(text: str, policy: PolicyConfig, /) -> str:
    """The text with one more `[[policy]]`, or that condition's exchanged."""
    document = tomlkit.parse(text)
    policies = _blocks(document, "policy")
    values = {"reason": policy.reason} | _plain(policy)
    _exchange(policies, lambda block: parse(block["when"]) == policy.when, values)
    return tomlkit.dumps(document)


def remove_policy(text: str, when: Condition, /) -> str:
    """The text without that `[[policy]]`; unchanged where there is none."""
    document = tomlkit.parse(text)
    _remove(document.get("policy", []), lambda block: parse(block["when"]) == when)
    return tomlkit.dumps(document)
