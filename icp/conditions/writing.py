"""How columns and values are written in rules, said in words, and what is refused."""

from __future__ import annotations

import re
from datetime import date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

from icp.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.conditions.values import Value

__all__ = [
    "KEYWORDS",
    "check_text",
    "checked",
    "kind_of",
    "listed",
    "literal",
    "name_of",
    "said",
    "title",
]

#: Words of the language; a column of such a name is written in double quotes.
KEYWORDS: Final = frozenset(
    {
        *("and", "or", "not", "in", "is", "has", "missing", "known", "null"),
        *("true", "false", "date"),
    }
)

_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE: Final = 1e15
_COMMAS_FROM: Final = 10_000


def checked(value: Value) -> Value:
    """The value as a rule holds it; raises RuleError."""
    if isinstance(value, str):
        check_text(value, "text", empty=True)
        return value
    if isinstance(value, datetime):
        raise RuleError("a rule compares with a day, not with a time; give a date")
    if isinstance(value, bool | date):
        return value
    if not isinstance(value, int | float) or not isfinite(value):
        raise RuleError(
            "a rule compares with a text, a finite number, yes/no or a date"
        )
    return float(value) + 0.0


def check_text(text: str, what: str, *, empty: bool = False) -> None:
    """Refuse what no engine can hold."""
    if not (text or empty) or "\0" in text:
        raise RuleError(f"a rule's {what} is empty or has a zero character; correct it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RuleError(f"a rule's {what} has broken characters; correct it") from error


def kind_of(value: Value) -> type[Value]:
    """The kind by which a column is read for this value."""
    kinds: tuple[type[Value], ...] = (bool, float, str)
    return next((kind for kind in kinds if isinstance(value, kind)), date)


def name_of(column: str) -> str:
    """A column in rule text."""
    if _BARE.fullmatch(column) and column.lower() not in KEYWORDS:
        return column
    return '"' + column.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """A value in rule text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return (
        f"{value:.0f}" if value == int(value) and abs(value) < _WHOLE else repr(value)
    )


def said(value: Value) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Years and the like are read without a comma.
        return f"{value:,.12g}" if abs(value) >= _COMMAS_FROM else f"{value:.12g}"
    return value or "(empty)" if isinstance(value, str) else value.isoformat()


def listed(values: tuple[str, ...] | tuple[float, ...], word: str) -> str:
    """Several values in words."""
    *first, last = (said(value) for value in values)
    return f"{', '.join(first)} {word} {last}" if first else last


def title(column: str, titles: Mapping[str, str] | None) -> str:
    """How a column is called."""
    return (titles or {}).get(column) or column.replace("_", " ")
