"""One column's rule from its header's meaning and its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from icp.ingest.fields import Field, Match, hint, looks_like_id, snake_case
from icp.ingest.rules import MOST_LEVELS, ColumnRule
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.ingest.facts import ColumnFacts
    from icp.ingest.numbers import Decimal

__all__ = ["geo_codes", "propose_rule"]

_NEARLY_ALL, _MOST, _HALF = 0.95, 0.8, 0.5
_LONG_TEXT = 60
_FEW_ROWS = 20
_GEOGRAPHY = frozenset(
    {"billing_country", "shipping_country", "territory", "region", "billing_state"}
)
_UNIT = re.compile(r"[(\[]\s*([^)\]]{1,12})\s*[)\]]\s*$")
_UNIT_WORDS = re.compile(
    r"%|[$€£¥₹]|\b(eur|usd|gbp|chf|mio|mrd|m|k|tsd|days?|months?|years?|hours?)\b", re.I
)
_DATE_WORDS = re.compile(
    r"date|datum|fecha|data|day|time|_at$| at$| on$|since|am$", re.I
)


class _Reading(NamedTuple):
    kind: Kind
    reason: str
    #: Whether the values are of the kind that the dictionary expects.
    agrees: bool = True


def geo_codes(match: Match | None, facts: ColumnFacts, /) -> tuple[str, ...]:
    """`NA` is a value, Namibia or North America, in a column of upper-case codes."""
    if match is None or match.field.name not in _GEOGRAPHY:
        return ()
    codes = [level for level in facts.levels if re.fullmatch("[A-Z]{2,5}", level)]
    return ("NA",) if facts.levels and len(codes) >= _HALF * len(facts.levels) else ()


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
    "Partner" that holds names tells of no marriage.
    """
    if field.name == "account_name":
        return facts.known >= 50 and facts.distinct <= 5
    return field.name == "has_partner" and facts.known > 0 and facts.flags < 1


# --- kind -------------------------------------------------------------------------


def _read(header: str, facts: ColumnFacts, field: Field | None) -> _Reading:
    if field is None:
        return _by_values(header, facts)
    if not facts.known:
        return _Reading(field.kind, "it holds no value yet")
    if _fits(field, facts):
        return _Reading(field.kind, "")
    found = _by_values(header, facts)
    if field.kind in {Kind.CATEGORY, Kind.TEXT}:
        return _category_or_flag(field, facts, found)
    reason = f"not a {field.kind} as usual: {found.reason}"
    return _Reading(found.kind, reason, agrees=False)


def _fits(field: Field, facts: ColumnFacts) -> bool:
    if field.kind is Kind.NUMBER:
        return facts.numbers >= _HALF
    if field.kind is Kind.DATE:
        return facts.dates + facts.compact_dates + facts.serials >= _HALF
    if field.kind is Kind.FLAG:
        return facts.flags >= _NEARLY_ALL
    return field.kind is Kind.MULTI or field.role is Role.IDENTIFIER


def _category_or_flag(field: Field, facts: ColumnFacts, found: _Reading) -> _Reading:
    if found.kind is Kind.FLAG and field.kind is Kind.CATEGORY:
        return found
    measured = field.role in {Role.QUALIFICATION, Role.OUTCOME, Role.AFTER_SALE}
    if measured and found.kind in {Kind.NUMBER, Kind.MULTI, Kind.TEXT}:
        return found
    if found.kind is Kind.MULTI:
        return found
    return _Reading(field.kind, "")


def _by_values(header: str, facts: ColumnFacts) -> _Reading:
    if not facts.known:
        named = _DATE_WORDS.search(header.strip())
        kind = Kind.DATE if named else Kind.CATEGORY
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
    many = facts.known > _FEW_ROWS and facts.distinct > 0.9 * facts.known
    if many or facts.mean_length > _LONG_TEXT:
        return _Reading(Kind.TEXT, "nearly every value is different")
    return _Reading(Kind.CATEGORY, f"{facts.distinct} different values")


def _named_dates(header: str, facts: ColumnFacts) -> float:
    named = _DATE_WORDS.search(header.strip())
    return facts.compact_dates + facts.serials if named else 0.0


def _number_reason(facts: ColumnFacts) -> str:
    if facts.bands >= _HALF:
        return "its values are number bands, read as one number in the middle"
    return "its values are numbers"


# --- role -------------------------------------------------------------------------


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
    told = hint(header)
    # "Phone Service: yes" is about the company, a phone number is not.
    if told and not (told.role is Role.PROTECTED and reading.kind is Kind.FLAG):
        return told.role, 0.6, told.reason
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
    if facts.known and facts.distinct == 1:
        reason += "; it holds one value only"
    return Role.FIRST_CONTACT, 0.3, reason


# --- details ----------------------------------------------------------------------


def _decimal(
    facts: ColumnFacts,
    match: Match | None,
    file_decimal: Decimal | None,
    kind: Kind,
) -> tuple[Decimal | None, str]:
    """The decimal sign, and why where the column's own values do not tell."""
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
        return file_decimal, f"{file_decimal!r} is the decimal sign of other columns"
    return None, "1,234 can be read in two ways: set its decimal sign"


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
