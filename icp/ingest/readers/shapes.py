"""What the values of a column look like, so that a stray value can be told apart."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Shape", "ValueKind", "amount", "shapes_of", "value_kind"]

ValueKind = Literal["empty", "number", "date", "email", "url", "code", "text"]

_SURE = 0.95
#: From this many values on, one of another kind is an exception, not the rule.
_SMALL = 8
_FEW_LEVELS = 30
_REPEATS = 4
_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|CAD|AUD|US\$)?"
_NUMBER = re.compile(
    rf"\(?[-+]?\s?{_CURRENCY}\s?[-+]?\d[\d.,' \u00a0]*(?:[eE][-+]?\d+)?\s?"
    rf"(?:%|[kKmMbB]|bn|mio\.?|mn)?\s?{_CURRENCY}\)?"
)
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?"
    r"|\d{1,2}[ -][A-Za-z]{3,9},?[ -]\d{2,4}.*|[A-Za-z]{3,9} \d{1,2}, ?\d{4}.*"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z-])[A-Za-z0-9][A-Za-z0-9_.:/-]{3,}")


@lru_cache(maxsize=20_000)
def value_kind(cell: str, /) -> ValueKind:
    """Say roughly what a cell holds.

    >>> value_kind("$1,200.00"), value_kind("2026-01-31"), value_kind("Retail")
    ('number', 'date', 'text')
    """
    text = cell.strip()
    if not text:
        return "empty"
    if len(text) > 100:
        return "text"
    patterns: tuple[tuple[ValueKind, re.Pattern[str]], ...] = (
        ("date", _DATE),
        ("number", _NUMBER),
        ("email", _EMAIL),
        ("url", _URL),
        ("code", _CODE),
    )
    for kind, pattern in patterns:
        if pattern.fullmatch(text):
            return kind
    return "text"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the values of one column have in common."""

    #: The kind of nearly all values; None where they are mixed or there are none.
    kind: ValueKind | None
    kinds: frozenset[ValueKind]
    levels: frozenset[str]
    #: Values come from a short list and repeat.
    closed: bool
    may_be_empty: bool
    rows: int

    def fits(self, cell: str, /) -> bool:
        """Whether a value could stand in this column."""
        kind = value_kind(cell)
        if kind == "empty":
            return self.may_be_empty
        if self.closed:
            return cell.strip() in self.levels
        if self.kind in {"number", "date", "email", "url"}:
            return kind == self.kind
        return kind in self.kinds or not self.kinds


def shapes_of(rows: Sequence[Sequence[str]], /, *, width: int) -> list[Shape]:
    """The shape of each of `width` columns."""
    return [
        _shape([row[index].strip() for row in rows if index < len(row)])
        for index in range(width)
    ]


def _shape(values: list[str]) -> Shape:
    counts = Counter(value_kind(value) for value in values)
    empty = counts.pop("empty", 0)
    filled = sum(counts.values())
    top, top_count = counts.most_common(1)[0] if counts else (None, 0)
    levels = frozenset(value for value in values if value)
    closed = len(levels) <= _FEW_LEVELS and filled >= _REPEATS * max(1, len(levels))
    enough = min(_SURE * filled, filled - 1 if filled >= _SMALL else filled)
    return Shape(
        kind=top if filled and top_count >= enough else None,
        kinds=frozenset(counts),
        levels=levels,
        closed=closed and top not in {"number", "date"},
        may_be_empty=bool(empty),
        rows=len(values),
    )


def amount(cell: str, /) -> float | None:
    """A cell as a number, good enough to check a sum; None where it is none.

    >>> amount("$1,054.00"), amount("1.054,50"), amount("(20)"), amount("Retail")
    (1054.0, 1054.5, -20.0, None)
    """
    if value_kind(cell) != "number":
        return None
    digits = re.sub(r"[^\d.,]", "", cell)
    negative = "-" in cell or cell.strip().startswith("(")
    try:
        value = float(_point(digits))
    except ValueError:
        return None
    return -value if negative else value


def _point(digits: str) -> str:
    """Make the decimal mark a point and drop the others."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    both = "." in digits and "," in digits
    grouped = digits.count(digits[last]) > 1 or (
        not both and digits[last] == "," and len(digits) - last == 4
    )
    head, tail = digits[:last], digits[last + 1 :]
    head = re.sub(r"[.,]", "", head)
    return head + tail if grouped else f"{head}.{tail}"
