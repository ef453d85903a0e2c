"""Propose what each column of a source means; compare next month's export with it.

Names are looked up in the dictionary first, near spellings come second, the values
decide the rest. Every proposal gives its reason, so that a person can agree or not.
What changed since a mapping was agreed is reported, never absorbed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from rapidfuzz import fuzz

from icp.errors import some
from icp.ingest.facts import column_facts, distinct_values
from icp.ingest.fields import (
    Field,
    Match,
    TableObject,
    guess_object,
    hint,
    looks_like_id,
    match_header,
    near_header,
    normalised,
    snake_case,
    squeezed,
)
from icp.ingest.mapping_rules import MOST_LEVELS, ROW_KEYS, ColumnMapping, ColumnRule
from icp.ingest.result import LINE
from icp.ingest.values import is_missing, spelling_key
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.facts import ColumnFacts
    from icp.ingest.result import Finding, RawTable, SourceReport
    from icp.ingest.values import Decimal

_NEARLY_ALL, _MOST, _HALF = 0.95, 0.8, 0.5
_LONG_TEXT = 60
_FEW_ROWS = 20
#: No surer than this where the dictionary does not know a header.
_BY_VALUES = 0.6
_ALIKE = 75.0
_SHARED_LEVELS = 0.6
_MOST_EXAMPLES = 5
_GEOGRAPHY = frozenset(
    {"billing_country", "shipping_country", "territory", "region", "billing_state"}
)
#: Names of result columns, which no column of a source may have.
_RESERVED = frozenset(
    {
        *(LINE, "outcome", "outcome_reason", "worth"),
        *("fit", "grade", "state", "margin", "known_fraction", "novelty_p"),
        *("distance_best", "nearest_best", "distance_regrettable"),
        *("nearest_regrettable", "p_best", "p_low", "p_high", "disqualified_by"),
    }
)
_UNIT = re.compile(r"[(\[]\s*([^)\]]{1,12})\s*[)\]]\s*$")
_UNIT_WORDS = re.compile(
    r"%|[$€£¥₹]|\b(eur|usd|gbp|chf|mio|mrd|m|k|tsd|days?|months?|years?|hours?)\b", re.I
)
_DATE_WORDS = re.compile(
    r"date|datum|fecha|data|day|time|_at$| at$| on$|since|am$", re.I
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
    file's name decide. With a `known` mapping its rules are kept as they are, also for
    missing columns, and only new columns are proposed, unconfirmed; a rule whose column
    seems renamed moves to the new header, unconfirmed.
    """
    rules = _carry_over(table, known) if known else ()
    headers = tuple(name for name in table.frame.columns if name != LINE)
    sources = {rule.source for rule in rules}
    new = [name for name in headers if name not in sources]
    source = table.report.file
    kind = object or guess_object(headers, f"{source} {table.report.sheet or ''}")
    facts = {name: _facts(table, name, kind) for name in new}
    decimal = _agreed_decimal(facts)
    drafts = [
        propose_rule(name, facts[name], _match(name, kind), decimal) for name in new
    ]
    names = {rule.name for rule in rules}
    drafts = _with_key(drafts, facts, kind, names)
    columns = (*rules, *_with_distinct_names(drafts, facts, names))
    return ColumnMapping(source=known.source if known else source, columns=columns)


def _carry_over(table: RawTable, known: ColumnMapping) -> tuple[ColumnRule, ...]:
    """The known rules; those of renamed columns under their new headers."""
    renamed = renamed_columns(table, known)
    return tuple(_moved(rule, renamed.get(rule.source)) for rule in known.columns)


def _moved(rule: ColumnRule, header: str | None) -> ColumnRule:
    if header is None:
        return rule
    reason = f"from column {rule.source!r}, which is missing now"
    changes = {"source": header, "confirmed": False, "reason": reason, "score": 0.5}
    return rule.model_copy(update=changes)


def _match(header: str, kind: TableObject) -> Match | None:
    return match_header(header, kind) or near_header(header, kind)


def _facts(table: RawTable, header: str, kind: TableObject) -> ColumnFacts:
    facts = column_facts(table.frame, header)
    keep = geo_codes(_match(header, kind), facts)
    return column_facts(table.frame, header, keep=keep) if keep else facts


def _agreed_decimal(facts: dict[str, ColumnFacts]) -> Decimal | None:
    """The decimal mark of a file whose columns all agree, if they show one."""
    signs = {f.decimal for f in facts.values() if f.numbers > 0.5 and f.decimal}
    return signs.pop() if len(signs) == 1 else None


def _with_key(
    drafts: list[ColumnRule],
    facts: dict[str, ColumnFacts],
    kind: TableObject,
    rule_names: set[str],
) -> list[ColumnRule]:
    """The drafts with an account's key, where one column can be it and none is yet."""
    names = rule_names.union(draft.name for draft in drafts)
    changes: dict[str, dict[str, str]] = {}
    for draft in drafts:
        if draft.name == "website" and "domain" not in names:
            changes[draft.source] = {"name": "domain"}
    if kind in {"accounts", "prospects", "other"} and not names & {
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
    drafts: list[ColumnRule], facts: dict[str, ColumnFacts], names: set[str]
) -> list[ColumnRule]:
    """The drafts with each name once: the surest and fullest column gets it."""
    ranked = sorted(
        drafts, key=lambda d: (facts[d.source].coverage > 0, d.score), reverse=True
    )
    owners: dict[str, str] = dict.fromkeys(names, "an earlier column")
    rules: dict[str, ColumnRule] = {}
    for draft in ranked:
        rule = _renamed(draft, owners)
        owners[rule.name] = f"column {draft.source!r}"
        rules[draft.source] = rule
    return [rules[draft.source] for draft in drafts]


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


def propose_rule(
    header: str,
    facts: ColumnFacts,
    match: Match | None,
    file_decimal: Decimal | None,
    /,
) -> ColumnRule:
    """The rule of one column: the dictionary's meaning if the values agree with it."""
    if match and _misnamed(match.field, facts):
        match = None
    reading = _read(header, facts, match.field if match else None)
    role, score, reason = _role(header, facts, match, reading)
    kind = Kind.TEXT if role is Role.IDENTIFIER else reading.kind
    decimal, why = _decimal(facts, match, file_decimal, kind)
    category = kind is Kind.CATEGORY and len(facts.levels) <= MOST_LEVELS
    return ColumnRule(
        source=header,
        name=match.field.name if match and reading.agrees else snake_case(header),
        role=role,
        kind=kind,
        unit=_unit(header, facts, match) if kind is Kind.NUMBER else "",
        date_order=facts.date_order if kind is Kind.DATE else None,
        decimal=decimal,
        separator=(facts.separator or ";") if kind is Kind.MULTI else None,
        score=round(score, 2),
        reason="; ".join(filter(None, (reason, reading.reason, why, _gaps(facts)))),
        levels=facts.levels if category and role is not Role.PROTECTED else (),
        keep=geo_codes(match, facts),
    )


def _misnamed(field: Field, facts: ColumnFacts) -> bool:
    """Whether the values show that a header means something else this time.

    A column "Client" that says Current, New or Past names no account; a column
    "Partner" that holds names is not about marriage.
    """
    if field.name == "account_name":
        return facts.values >= 50 and facts.distinct <= 5
    return field.name == "has_partner" and facts.values > 0 and facts.flags < 1


class _Reading(NamedTuple):
    kind: Kind
    reason: str
    #: Whether the values are of the kind that the dictionary expects.
    agrees: bool = True


def _read(header: str, facts: ColumnFacts, field: Field | None) -> _Reading:
    if field is None:
        return _by_values(header, facts)
    if not facts.values:
        return _Reading(field.kind, "it holds no value yet")
    if _fits(field, facts):
        return _Reading(field.kind, "")
    reading = _by_values(header, facts)
    if field.kind in {Kind.CATEGORY, Kind.TEXT}:
        return _category_or_flag(field, facts, reading)
    reason = f"not a {field.kind} as usual: {reading.reason}"
    return _Reading(reading.kind, reason, agrees=False)


def _fits(field: Field, facts: ColumnFacts) -> bool:
    if field.kind is Kind.NUMBER:
        return facts.numbers >= _HALF
    if field.kind is Kind.DATE:
        return facts.dates + facts.compact_dates + facts.serials >= _HALF
    if field.kind is Kind.FLAG:
        return facts.flags >= _NEARLY_ALL
    return field.kind is Kind.MULTI or field.role is Role.IDENTIFIER


def _category_or_flag(field: Field, facts: ColumnFacts, reading: _Reading) -> _Reading:
    if reading.kind is Kind.FLAG and field.kind is Kind.CATEGORY:
        return reading
    measured = field.role in {Role.QUALIFICATION, Role.OUTCOME, Role.AFTER_SALE}
    if measured and reading.kind in {Kind.NUMBER, Kind.MULTI, Kind.TEXT}:
        return reading
    if reading.kind is Kind.MULTI:
        return reading
    return _Reading(field.kind, "")


def _by_values(header: str, facts: ColumnFacts) -> _Reading:
    if not facts.values:
        is_date = _DATE_WORDS.search(header.strip())
        kind = Kind.DATE if is_date else Kind.CATEGORY
        return _Reading(kind, "it holds no value yet")
    if facts.zero_one or (facts.flags >= 1 and facts.whole < 1 and facts.numbers < 1):
        return _Reading(Kind.FLAG, "its values are yes and no")
    dated = facts.dates + _named_dates(header, facts)
    if dated >= _MOST:
        return _Reading(Kind.DATE, "its values are dates")
    if facts.numbers >= _MOST and facts.leading_zeros < _HALF:
        return _Reading(Kind.NUMBER, _number_reason(facts))
    if facts.separator:
        return _Reading(
            Kind.MULTI, f"its values are lists split by {facts.separator!r}"
        )
    many = facts.values > _FEW_ROWS and facts.distinct > 0.9 * facts.values
    if many or facts.mean_length > _LONG_TEXT:
        return _Reading(Kind.TEXT, "nearly every value is different")
    return _Reading(Kind.CATEGORY, f"{facts.distinct} different values")


def _named_dates(header: str, facts: ColumnFacts) -> float:
    is_date = _DATE_WORDS.search(header.strip())
    return facts.compact_dates + facts.serials if is_date else 0.0


def _number_reason(facts: ColumnFacts) -> str:
    if facts.bands >= _HALF:
        return "its values are number bands, read as one number in the middle"
    return "its values are numbers"


def _role(
    header: str, facts: ColumnFacts, match: Match | None, reading: _Reading
) -> tuple[Role, float, str]:
    personal = _personal(facts)
    if match:
        score = match.score - (0.0 if reading.agrees else 0.2)
        note = f": {match.field.note}" if match.field.note else ""
        return match.field.role, score, match.reason + note
    if personal:
        return Role.PROTECTED, 0.8, personal
    clue = hint(header)
    # "Phone Service: yes" is about the company, a phone number is not.
    if clue and not (clue.role is Role.PROTECTED and reading.kind is Kind.FLAG):
        return clue.role, 0.6, clue.reason
    return _role_by_values(header, facts, reading)


def _personal(facts: ColumnFacts) -> str:
    if facts.emails >= _HALF:
        return "its values are e-mail addresses"
    if facts.phones >= _MOST and facts.dates < _HALF and facts.numbers < _HALF:
        return "its values are telephone numbers"
    return ""


def _role_by_values(
    header: str, facts: ColumnFacts, reading: _Reading
) -> tuple[Role, float, str]:
    if reading.kind is Kind.DATE:
        return Role.DATE, 0.6, "dates are never attributes by default"
    if looks_like_id(header) and facts.codes >= _MOST and reading.kind is not Kind.FLAG:
        return Role.IDENTIFIER, 0.6, "its name ends in a word for an id"
    if facts.near_unique and facts.codes >= _NEARLY_ALL and facts.numbers < _MOST:
        return Role.IDENTIFIER, 0.6, "nearly every value is a different code"
    if reading.kind is Kind.TEXT:
        return Role.IGNORED, 0.5, "an id or free text"
    reason = "its name is not in the dictionary; say when it is known"
    if facts.values and facts.distinct == 1:
        reason += "; it holds one value only"
    return Role.FIRST_CONTACT, 0.3, reason


def _decimal(
    facts: ColumnFacts,
    match: Match | None,
    file_decimal: Decimal | None,
    kind: Kind,
) -> tuple[Decimal | None, str]:
    """The decimal mark, and why if the column's own values do not show it."""
    if kind is not Kind.NUMBER:
        return None, ""
    if facts.decimal or not facts.either_way:
        return facts.decimal, ""
    if facts.point_only and facts.comma_only:
        return None, "some values have a decimal point, others a decimal comma"
    if match and match.field.unit == "people":
        other: Decimal = "." if facts.either_sign == "," else ","
        return other, "people are counted in whole numbers"
    if file_decimal:
        return file_decimal, f"{file_decimal!r} is the decimal mark of other columns"
    return None, "1,234 can be read in two ways: set the decimal mark"


def _unit(header: str, facts: ColumnFacts, match: Match | None) -> str:
    bracketed = _UNIT.search(header)
    if bracketed and _UNIT_WORDS.search(bracketed[1]):
        return bracketed[1].strip()
    if facts.percents >= _HALF:
        return "%"
    if len(facts.currencies) == 1:
        return facts.currencies[0]
    return match.field.unit if match else ""


def _gaps(facts: ColumnFacts) -> str:
    share = round(100 * facts.placeholders)
    return f"{share} % are placeholders for missing" if share >= 10 else ""


def geo_codes(match: Match | None, facts: ColumnFacts, /) -> tuple[str, ...]:
    """`NA` is a value, Namibia or North America, in a column of upper-case codes."""
    if match is None or match.field.name not in _GEOGRAPHY:
        return ()
    codes = [level for level in facts.levels if re.fullmatch("[A-Z]{2,5}", level)]
    return ("NA",) if facts.levels and len(codes) >= _HALF * len(facts.levels) else ()


def check_mapping(table: RawTable, mapping: ColumnMapping, /) -> tuple[Finding, ...]:
    """Findings on columns that are missing, new or renamed, and on new levels.

    Levels are compared for confirmed columns whose levels the mapping remembers. A
    missing column while a new one is like it, by name or by values, is reported once,
    as perhaps renamed.
    """
    return tuple(_changes(table, mapping))


def _changes(table: RawTable, mapping: ColumnMapping) -> Iterator[Finding]:
    missing, new = _missing_and_new(table, mapping)
    pairs = renamed_columns(table, mapping)
    for rule in missing:
        yield _missing_column(table.report, rule, pairs.get(rule.source))
    for name in new:
        if name not in pairs.values():
            yield table.report.finding(
                "ask",
                "extra-label",
                f"the column {name!r} is new and is left out",
                column=name,
                action="map it, or map it as ignored",
            )
    for rule in mapping.columns:
        if rule.source in table.frame.columns and rule.confirmed and rule.levels:
            yield from _new_levels(table, rule)


def _missing_column(
    report: SourceReport, rule: ColumnRule, similar: str | None
) -> Finding:
    if similar:
        state = f"{similar!r} is new and like it"
        action = f"if it was renamed, map {similar!r} to {rule.name}"
    else:
        state = f"{rule.name} is left empty"
        action = "export it again, or remove it from the mapping"
    return report.finding(
        "ask",
        "missing-label",
        f"the column {rule.source!r} is missing; {state}",
        column=rule.source,
        action=action,
    )


def _new_levels(table: RawTable, rule: ColumnRule) -> Iterator[Finding]:
    if rule.kind is not Kind.CATEGORY:
        return
    text, levels = pl.col("text"), pl.DataFrame({"text": rule.levels})
    values = distinct_values(table.frame, rule.source).with_columns(
        key=spelling_key(text)
    )
    keys = levels.select(spelling_key(text)).to_series()
    unseen = values.filter(
        ~pl.col("key").is_in(keys.implode()) & ~is_missing(text, keep=rule.keep)
    )
    if unseen.is_empty():
        return
    first = sorted(unseen["text"].head(_MOST_EXAMPLES))
    more = f" and {len(unseen) - len(first)} more" if len(unseen) > len(first) else ""
    yield table.report.finding(
        "note",
        "deviated-value",
        f"{some(len(unseen), 'new level')}: {', '.join(map(repr, first))}{more}",
        line=int(unseen["line"][0]),
        column=rule.source,
        count=int(unseen["rows"].sum()),
        action="confirm the mapping again if they are right",
    )


def _missing_and_new(
    table: RawTable, mapping: ColumnMapping
) -> tuple[list[ColumnRule], list[str]]:
    headers = [name for name in table.frame.columns if name != LINE]
    missing = [rule for rule in mapping.columns if rule.source not in headers]
    return missing, [name for name in headers if name not in mapping.sources]


def renamed_columns(table: RawTable, mapping: ColumnMapping, /) -> dict[str, str]:
    """Missing headers of the mapping, each with the new header most like it."""
    missing, new = _missing_and_new(table, mapping)
    likeness = {
        (rule.source, name): score
        for rule in missing
        for name in new
        if (score := _likeness(table, rule, name)) > 0
    }
    pairs: dict[str, str] = {}
    for source, name in sorted(likeness, key=lambda pair: -likeness[pair]):
        if source not in pairs and name not in pairs.values():
            pairs[source] = name
    return pairs


def _likeness(table: RawTable, rule: ColumnRule, name: str) -> float:
    if squeezed(rule.source) == squeezed(name):
        return 200.0
    match = match_header(name, "accounts")
    if match and match.field.name == rule.name:
        return 150.0
    by_name = fuzz.token_sort_ratio(normalised(rule.source), normalised(name))
    if not rule.levels:
        return by_name if by_name >= _ALIKE else 0.0
    values = distinct_values(table.frame, name)["text"].head(1000)
    mine = {level.casefold() for level in rule.levels}
    theirs = {text.casefold() for text in values}
    shared = len(mine & theirs) / (len(mine | theirs) or 1)
    return by_name if by_name >= _ALIKE else 100 * shared * (shared >= _SHARED_LEVELS)
