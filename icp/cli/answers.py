"""Answers to what an import asks: `--set "Close Date:date_order=dmy"`."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from icp.errors import InputError, near

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.ingest.mapping import ColumnMapping
    from icp.ingest.result import Finding

__all__ = ["Answer", "answered", "how_to_answer", "parsed"]

#: Column as in the file, field of its rule, new value.
Answer = tuple[str, str, Any]

_ANSWER: Final = re.compile(
    r"(?P<column>.+):(?P<field>[a-z_]+)=(?P<value>.*)", re.DOTALL
)
_FIELDS: Final = (
    "date_order",
    "decimal",
    "keep",
    "kind",
    "name",
    "role",
    "separator",
    "unit",
)
#: Roles as they are shown on screen.
_ROLES: Final = {
    "first_contact": "known_at_first_contact",
    "at_first_contact": "known_at_first_contact",
    "qualification": "known_at_qualification",
    "at_qualification": "known_at_qualification",
    "after_the_sale": "after_sale",
}
#: A field that findings ask for, and what may be answered.
_ASKED: Final = {"date_order": "dmy (or mdy)", "decimal": ". (or ,)"}


def parsed(texts: Iterable[str], /) -> list[Answer]:
    """Read `COLUMN:FIELD=VALUE`; the column may hold colons and equals signs itself.

    >>> parsed(["Close: Date:date_order=dmy", "Amount:decimal=,", "Tags:keep=NA,None"])
    [('Close: Date', 'date_order', 'dmy'), ('Amount', 'decimal', ','), \
('Tags', 'keep', ('NA', 'None'))]
    >>> parsed(["Amount=5"])
    Traceback (most recent call last):
    ...
    icp.errors.InputError: --set 'Amount=5' is not COLUMN:FIELD=VALUE; for instance \
--set "Close Date:date_order=dmy"
    """
    return [_parsed(text) for text in texts]


def answered(mapping: ColumnMapping, answers: Iterable[Answer], /) -> ColumnMapping:
    """The mapping with a person's answers; raises InputError for an unknown column."""
    for column, field, value in answers:
        mapping = mapping.replace(_header(mapping, column), **{field: value})
    return mapping


def how_to_answer(finding: Finding, source: str, /) -> str:
    """The command that answers a question about a column; empty where none does."""
    for field, values in _ASKED.items():
        if finding.column and f"{field} " in f"{finding.action} ":
            value, _, rest = values.partition(" ")
            answer = shlex.quote(f"{finding.column}:{field}={value}")
            return f"icp import --name {shlex.quote(source)} --set {answer} {rest}"
    return ""


def _parsed(text: str) -> Answer:
    found = _ANSWER.fullmatch(text)
    if found is None:
        message = (
            f"--set {text!r} is not COLUMN:FIELD=VALUE; "
            'for instance --set "Close Date:date_order=dmy"'
        )
        raise InputError(message)
    column, field, value = found.groups()
    if field not in _FIELDS:
        message = f"--set {text!r}: no field {field!r}; use {', '.join(_FIELDS)}"
        raise InputError(message)
    return column, field, _value(field, value)


def _value(field: str, value: str) -> object:
    if field == "keep":
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if field == "role":
        plain = value.strip().lower().replace(" ", "_")
        return _ROLES.get(plain, plain)
    return value if field in {"separator", "unit"} else value.strip()


def _header(mapping: ColumnMapping, column: str) -> str:
    """The header that is meant, without regard to case and blanks around."""
    if column in mapping.sources:
        return column
    meant = column.strip().casefold()
    alike = [s for s in mapping.sources if s.strip().casefold() == meant]
    if len(alike) == 1:
        return alike[0]
    message = (
        f"{mapping.source} has no column {column!r}; {near(column, mapping.sources)}"
    )
    raise InputError(message)
