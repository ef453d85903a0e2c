"""An account's values and cells as a person reads them."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from icp.profile import MISSING, NEVER_SEEN
from icp.schema import Kind

if TYPE_CHECKING:
    from icp.profile import AttributeTable

__all__ = [
    "NOT_KNOWN",
    "cell_words",
    "number_words",
    "own_level_words",
    "own_number_words",
    "title_of",
    "value_words",
]

NOT_KNOWN: Final = "not known"
_FEW_DIGITS = 100
_WHOLE = 1_000
#: The unit of a point in time, which is not counted in units.
_YEAR = "year"
_MANY_DIGITS = 1e15


def title_of(table: AttributeTable, /) -> str:
    """The table's title, or its name made readable."""
    return table.title or table.name.replace("_", " ")


def value_words(table: AttributeTable, code: int, value: object, /) -> str:
    """The account's own value; the cell where the value itself says less.

    >>> number_words(1234567.0, "EUR"), number_words(0.125), number_words(-3)
    ('1,234,567 EUR', '0.125', '-3')
    """
    if code == MISSING:
        return NOT_KNOWN
    if table.kind is Kind.NUMBER:
        return own_number_words(value, table.unit)
    if table.kind is Kind.CATEGORY:
        return own_level_words(value)
    return cell_words(table, code)


def own_number_words(value: object, unit: str, /) -> str:
    """As `number_words`, of a value that has been coded as a number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # coded, so a number
    except OverflowError:
        number = inf if value > 0 else -inf  # type: ignore[operator]  # the same
    return number_words(number, unit)


def own_level_words(value: object, /) -> str:
    """A level as it is written; one that nobody could see is told of.

    >>> own_level_words("Retail"), own_level_words(True), own_level_words(" ")
    ('Retail', 'true', 'an empty text')
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.strip() else "an empty text"


def number_words(value: float, unit: str = "", /) -> str:
    """A number with thousands separators, its unit, and decimals where they matter.

    At most three below 100, one below 1,000, none beyond. A year is only its digits.
    NaN raises ValueError: it is a missing value, and those are told apart before.
    """
    if unit == _YEAR:
        return f"{value:.0f}"
    size = abs(value)
    if size >= _MANY_DIGITS:
        text = f"{value:.3g}"
    elif size >= _WHOLE or value == int(value):
        text = f"{round(value):,}"
    else:
        # Added to zero, so that what rounds to nothing has no sign.
        text = f"{round(value, 3) + 0:.3f}" if size < _FEW_DIGITS else f"{value:,.1f}"
        text = text.rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit else text


def cell_words(table: AttributeTable, code: int, /) -> str:
    """The cell with the unit of a number."""
    name = table.cell_name(code)
    plain = code in {MISSING, NEVER_SEEN} or table.unit in {"", _YEAR}
    return name if plain else f"{name} {table.unit}"
