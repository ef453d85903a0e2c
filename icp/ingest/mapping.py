"""Propose what each column of a source means; compare next month's export with it.

Names are looked up in the dictionary first, near spellings come second, the values
decide the rest. Every proposal says why, so that a person can agree or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icp.ingest.changes import check_mapping, renamed_columns
from icp.ingest.facts import ColumnFacts, column_facts
from icp.ingest.fields import (
    Match,
    TableObject,
    guess_object,
    match_header,
    near_header,
    snake_case,
)
from icp.ingest.propose import geo_codes, propose_rule
from icp.ingest.result import LINE
from icp.ingest.rules import ROW_KEYS, ColumnMapping, ColumnRule
from icp.schema import Role

if TYPE_CHECKING:
    from icp.ingest.numbers import Decimal
    from icp.ingest.result import RawTable

__all__ = ["ColumnMapping", "ColumnRule", "check_mapping", "propose_mapping"]

#: No surer than this where the dictionary does not know a header.
_BY_VALUES = 0.6
#: Names that results carry, so that no column of a source may.
_RESERVED = frozenset(
    {
        LINE,
        "distance_best",
        "distance_regrettable",
        "disqualified_by",
        "fit",
        "grade",
        "known_fraction",
        "margin",
        "nearest_best",
        "nearest_regrettable",
        "novelty_p",
        "outcome",
        "outcome_reason",
        "p_best",
        "p_high",
        "p_low",
        "state",
        "worth",
    }
)


def propose_mapping(
    table: RawTable,
    /,
    *,
    known: ColumnMapping | None = None,
    object: TableObject | None = None,
) -> ColumnMapping:
    """A rule for every column of a raw table, each with a score and a reason.

    `object` says what a row is (an account, a deal ...); left out, the headers and the
    file's name tell. With a `known` mapping its rules are kept as they are, also for
    columns that are gone, and only new columns are proposed, unconfirmed; a rule whose
    column seems renamed moves to the new header, unconfirmed.
    """
    kept = _taken_over(table, known) if known else ()
    headers = tuple(name for name in table.frame.columns if name != LINE)
    new = [name for name in headers if name not in {rule.source for rule in kept}]
    source = table.report.file
    told = object or guess_object(headers, f"{source} {table.report.sheet or ''}")
    facts = {name: _facts(table, name, told) for name in new}
    decimal = _agreed_decimal(facts)
    drafts = [
        propose_rule(name, facts[name], _match(name, told), decimal) for name in new
    ]
    taken = {rule.name for rule in kept}
    drafts = _with_key(drafts, facts, told, taken)
    columns = (*kept, *_with_distinct_names(drafts, facts, taken))
    return ColumnMapping(source=known.source if known else source, columns=columns)


def _taken_over(table: RawTable, known: ColumnMapping) -> tuple[ColumnRule, ...]:
    """The known rules; those of renamed columns under their new headers."""
    renamed = renamed_columns(table, known)
    return tuple(_moved(rule, renamed.get(rule.source)) for rule in known.columns)


def _moved(rule: ColumnRule, header: str | None) -> ColumnRule:
    if header is None:
        return rule
    reason = f"taken over from column {rule.source!r}, which is gone"
    changes = {"source": header, "confirmed": False, "reason": reason, "score": 0.5}
    return rule.model_copy(update=changes)


def _match(header: str, told: TableObject) -> Match | None:
    return match_header(header, told) or near_header(header, told)


def _facts(table: RawTable, header: str, told: TableObject) -> ColumnFacts:
    facts = column_facts(table.frame, header)
    keep = geo_codes(_match(header, told), facts)
    return column_facts(table.frame, header, keep=keep) if keep else facts


def _agreed_decimal(facts: dict[str, ColumnFacts]) -> Decimal | None:
    """The decimal sign of a file all of whose telling columns agree."""
    signs = {f.decimal for f in facts.values() if f.numbers > 0.5 and f.decimal}
    return signs.pop() if len(signs) == 1 else None


def _with_key(
    drafts: list[ColumnRule],
    facts: dict[str, ColumnFacts],
    told: TableObject,
    taken: set[str],
) -> list[ColumnRule]:
    """The drafts with an account's key, where one column can be it and none is yet."""
    names = taken.union(draft.name for draft in drafts)
    changes: dict[str, dict[str, str]] = {}
    for draft in drafts:
        if draft.name == "website" and "domain" not in names:
            changes[draft.source] = {"name": "domain"}
    if told in {"accounts", "prospects", "other"} and not names & {
        "account_id",
        "account_name",
    }:
        for draft in drafts:
            own = draft.role is Role.IDENTIFIER and draft.score <= _BY_VALUES
            if own and facts[draft.source].near_unique:
                reason = f"{draft.reason}; taken as the account's id"
                changes[draft.source] = {"name": "account_id", "reason": reason}
                break
    return [d.model_copy(update=changes.get(d.source, {})) for d in drafts]


def _with_distinct_names(
    drafts: list[ColumnRule], facts: dict[str, ColumnFacts], taken: set[str]
) -> list[ColumnRule]:
    """The drafts with each name once: the surest and fullest column gets it."""
    ranked = sorted(
        drafts, key=lambda d: (facts[d.source].coverage > 0, d.score), reverse=True
    )
    owners: dict[str, str] = dict.fromkeys(taken, "an earlier column")
    named: dict[str, ColumnRule] = {}
    for draft in ranked:
        rule = _renamed(draft, owners)
        owners[rule.name] = f"column {draft.source!r}"
        named[draft.source] = rule
    return [named[draft.source] for draft in drafts]


def _renamed(draft: ColumnRule, owners: dict[str, str]) -> ColumnRule:
    if draft.name not in owners and draft.name not in _RESERVED:
        return draft
    name = own = snake_case(draft.source)
    number = 2
    while name in owners or name in _RESERVED or name in ROW_KEYS:
        name, number = f"{own}_{number}", number + 1
    holder = owners.get(draft.name, "a result")
    reason = f"{draft.reason}; the name {draft.name} is taken by {holder}"
    score = min(draft.score, _BY_VALUES)
    changes = {"name": name, "reason": reason, "score": score}
    return draft.model_copy(update=changes)
