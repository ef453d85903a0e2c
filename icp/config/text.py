"""Writing `icp.toml`: a first text a person can read, and edits that keep comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Table

from icp.conditions import parse
from icp.config.document import CONFIG_FILE
from icp.config.load import parse_config
from icp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from icp.conditions import Condition
    from icp.config.document import Accepted, PolicyConfig, SourceConfig
    from icp.ingest.plan import AssemblyPlan
    from icp.outcomes import OutcomePolicy

__all__ = [
    "accept_column",
    "add_policy",
    "add_source",
    "default_config_text",
    "edited",
    "remove_policy",
    "remove_source",
    "set_assembly",
    "set_outcome",
]

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
# Not needed while there is one export of accounts. With more, say how they belong
# together. Keys are tried in order: id, domain (of a website or e-mail), name.
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
# with `icp label --preview`. The first that says something decides: a word by hand,
# early regret, too young, the label column, the rules, the thresholds on worth.
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
# regrettable_below = 0       # whoever costs more than he brings
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
# why = "the board decided so"
# who = "ann"
# since = 2026-01-31

# ---- Who may do what ---------------------------------------------------------------
# Without this block whoever works on this computer may do everything.
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
    for table in sources:
        if table.get("name") == source.name:
            _merge(table, values)
            return tomlkit.dumps(document)
    sources.append(_table(values).add(tomlkit.nl()))
    return tomlkit.dumps(document)


def remove_source(text: str, name: str, /) -> str:
    """The text without the source; unchanged where there is none of that name."""
    document = tomlkit.parse(text)
    sources = document.get("sources", tomlkit.aot())
    for position, table in enumerate(sources):
        if table.get("name") == name:
            del sources[position]
            break
    return tomlkit.dumps(document)


def set_outcome(text: str, policy: OutcomePolicy, /) -> str:
    """The text with `[outcome]` saying that policy; comments elsewhere stay."""
    document = tomlkit.parse(text)
    _put(document, "outcome", _plain(policy))
    return tomlkit.dumps(document)


def accept_column(text: str, answer: Accepted, /) -> str:
    """The text with one more `[[learning.accept]]`, or that column's exchanged."""
    document = tomlkit.parse(text)
    answers = _blocks(_section(document, "learning"), "accept")
    for table in answers:
        if table["column"] == answer.column:
            _merge(table, _plain(answer))
            return tomlkit.dumps(document)
    answers.append(_table(_plain(answer)))
    return tomlkit.dumps(document)


def add_policy(text: str, policy: PolicyConfig, /) -> str:
    """The text with one more `[[policy]]`, or that condition's exchanged."""
    document = tomlkit.parse(text)
    policies = _blocks(document, "policy")
    values = {"reason": policy.reason} | _plain(policy)
    for table in policies:
        if parse(table["when"]) == policy.when:
            _merge(table, values)
            return tomlkit.dumps(document)
    policies.append(_table(values).add(tomlkit.nl()))
    return tomlkit.dumps(document)


def remove_policy(text: str, when: Condition, /) -> str:
    """The text without that `[[policy]]`; unchanged where there is none."""
    document = tomlkit.parse(text)
    policies = document.get("policy", tomlkit.aot())
    for position, table in enumerate(policies):
        if parse(table["when"]) == when:
            del policies[position]
            break
    return tomlkit.dumps(document)


def set_assembly(
    text: str, population: Literal["customers", "prospects"], plan: AssemblyPlan, /
) -> str:
    """The text with `[assembly.<population>]` saying that plan."""
    document = tomlkit.parse(text)
    _put(_section(document, "assembly"), population, _plain(plan))
    return tomlkit.dumps(document)


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="python", exclude_defaults=True, exclude_none=True)


def _section(document: Any, key: str) -> Any:
    """The section of that name, made where there is none; `{...}` becomes one."""
    there = document.get(key)
    if isinstance(there, InlineTable):
        document[key] = _table(there.unwrap())
    elif there is None:
        document.append(key, tomlkit.table(is_super_table=True))
    return document[key]


def _blocks(parent: Any, key: str) -> AoT:
    """The `[[...]]` blocks of that name, as which `[{...}]` is written from now on."""
    there = parent.get(key)
    if isinstance(there, AoT):
        return there
    blocks = tomlkit.aot()
    for values in there.unwrap() if there else ():
        blocks.append(_table(values))
    if there is not None:
        del parent[key]
    parent[key] = blocks
    return blocks


def _put(parent: Any, key: str, values: Mapping[str, Any]) -> None:
    there = parent.get(key)
    if isinstance(there, Table):
        _merge(there, values)
    else:
        parent[key] = _table(values)


def _merge(table: Any, values: Mapping[str, Any]) -> None:
    """Make the table say `values`, leaving what is the same as it is written."""
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(table.get(key), Table):
            _merge(table[key], value)
        elif key not in table or table[key] != _unfrozen(value):
            table[key] = _item(value)


def _unfrozen(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_unfrozen(item) for item in value]
    return value


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
