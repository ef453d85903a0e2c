"""What changed in a source since its mapping was agreed: reported, never absorbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from rapidfuzz import fuzz

from icp.ingest.facts import distinct_values
from icp.ingest.fields import match_header, normalised, squeezed
from icp.ingest.result import LINE, Finding
from icp.ingest.values import is_missing, spelling_key
from icp.schema import Kind

if TYPE_CHECKING:
    from icp.ingest.result import RawTable
    from icp.ingest.rules import ColumnMapping, ColumnRule

__all__ = ["check_mapping", "renamed_columns"]

_ALIKE = 75.0
_SHARED_LEVELS = 0.6
_MOST_NAMED = 5


def check_mapping(table: RawTable, mapping: ColumnMapping, /) -> tuple[Finding, ...]:
    """Findings on columns that are gone, new or renamed, and on new levels.

    Levels are compared for confirmed columns whose levels the mapping remembers. A
    column that is gone while a new one is like it, by name or by values, is reported
    once, as perhaps renamed.
    """
    gone, new = _gone_and_new(table, mapping)
    pairs = renamed_columns(table, mapping)
    found = [_renaming(table, rule, pairs) for rule in gone if rule.source in pairs]
    found += [_gone(table, rule) for rule in gone if rule.source not in pairs]
    found += [_new(table, name) for name in new if name not in pairs.values()]
    for rule in mapping.columns:
        if rule.source in table.frame.columns and rule.confirmed and rule.levels:
            found += _new_levels(table, rule)
    return tuple(found)


def renamed_columns(table: RawTable, mapping: ColumnMapping, /) -> dict[str, str]:
    """Headers of the mapping that are gone, each with the new header most like it."""
    gone, new = _gone_and_new(table, mapping)
    likeness = {
        (rule.source, name): score
        for rule in gone
        for name in new
        if (score := _likeness(table, rule, name)) > 0
    }
    pairs: dict[str, str] = {}
    for source, name in sorted(likeness, key=lambda pair: -likeness[pair]):
        if source not in pairs and name not in pairs.values():
            pairs[source] = name
    return pairs


def _gone_and_new(
    table: RawTable, mapping: ColumnMapping
) -> tuple[list[ColumnRule], list[str]]:
    headers = [name for name in table.frame.columns if name != LINE]
    gone = [rule for rule in mapping.columns if rule.source not in headers]
    return gone, [name for name in headers if name not in mapping.sources]


def _likeness(table: RawTable, rule: ColumnRule, name: str) -> float:
    if squeezed(rule.source) == squeezed(name):
        return 200.0
    meant = match_header(name, "accounts")
    if meant and meant.field.name == rule.name:
        return 150.0
    by_name = fuzz.token_sort_ratio(normalised(rule.source), normalised(name))
    if not rule.levels:
        return by_name if by_name >= _ALIKE else 0.0
    values = distinct_values(table.frame, name)["text"].head(1000)
    mine = {level.casefold() for level in rule.levels}
    theirs = {text.casefold() for text in values}
    shared = len(mine & theirs) / (len(mine | theirs) or 1)
    return by_name if by_name >= _ALIKE else 100 * shared * (shared >= _SHARED_LEVELS)


def _renaming(table: RawTable, rule: ColumnRule, pairs: dict[str, str]) -> Finding:
    name = pairs[rule.source]
    return Finding(
        level="ask",
        code="missing-label",
        message=f"the column {rule.source!r} is gone; {name!r} is new and like it",
        file=table.report.file,
        sheet=table.report.sheet,
        column=rule.source,
        action=f"if it was renamed, map {name!r} to {rule.name}",
    )


def _gone(table: RawTable, rule: ColumnRule) -> Finding:
    return Finding(
        level="ask",
        code="missing-label",
        message=f"the column {rule.source!r} is gone; {rule.name} is left empty",
        file=table.report.file,
        sheet=table.report.sheet,
        column=rule.source,
        action="export it again, or take it out of the mapping",
    )


def _new(table: RawTable, name: str) -> Finding:
    return Finding(
        level="ask",
        code="extra-label",
        message=f"the column {name!r} is new and is left out",
        file=table.report.file,
        sheet=table.report.sheet,
        column=name,
        action="map it, or map it as ignored",
    )


def _new_levels(table: RawTable, rule: ColumnRule) -> list[Finding]:
    if rule.kind is not Kind.CATEGORY:
        return []
    text = pl.col("text")
    values = distinct_values(table.frame, rule.source).with_columns(
        key=spelling_key(text)
    )
    known = (
        pl.Series(rule.levels).to_frame("text").select(spelling_key(text)).to_series()
    )
    unseen = values.filter(
        ~pl.col("key").is_in(known.implode()) & ~is_missing(text, keep=rule.keep)
    )
    if not len(unseen):
        return []
    first = sorted(unseen["text"].head(_MOST_NAMED))
    more = f" and {len(unseen) - len(first)} more" if len(unseen) > len(first) else ""
    noun = "level" if len(unseen) == 1 else "levels"
    return [
        Finding(
            level="note",
            code="deviated-value",
            message=f"{len(unseen)} {noun} not seen before: "
            f"{', '.join(map(repr, first))}{more}",
            file=table.report.file,
            sheet=table.report.sheet,
            line=int(unseen["line"][0]),
            column=rule.source,
            count=int(unseen["rows"].sum()),
            action="confirm the mapping again if they are right",
        )
    ]
