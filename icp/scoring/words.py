"""An account's values and cells as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from icp.profile import MISSING, NEVER_SEEN
from icp.words import NOT_KNOWN, YEAR, quantity, readable, signed, with_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from icp.profile import AttributeTable, PairTable


def title_of(table: AttributeTable, /) -> str:
    """The table's title, or its name made readable."""
    return table.title or readable(table.name)


def value_words(table: AttributeTable, code: int, value: object, /) -> str:
    """The account's own value; the cell where the value itself says less."""
    if code == MISSING:
        return NOT_KNOWN
    if table.kind.numeric:
        return own_number_words(value, table.unit)
    if table.kind.has_levels:
        return own_level_words(value)
    return cell_words(table, code)


def own_number_words(value: object, unit: str, /) -> str:
    """As `quantity`, of a value that has been coded as a number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # coded, so a number
    except OverflowError:
        number = inf if value > 0 else -inf  # type: ignore[operator]  # the same
    return quantity(number, unit)


def own_level_words(value: object, /) -> str:
    """A level as it is written; one that nobody could see is told of.

    >>> own_level_words("Retail"), own_level_words(True), own_level_words(" ")
    ('Retail', 'true', 'an empty text')
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.strip() else "an empty text"


def cell_words(table: AttributeTable, code: int, /) -> str:
    """The cell with the unit of a number."""
    name = table.cell_name(code)
    plain = code in {MISSING, NEVER_SEEN} or table.unit in {"", YEAR}
    return name if plain else with_unit(name, table.unit)


# ---- What each attribute and each pair can say about an account, prepared once
#
# Everything but the account's own value depends on the cell code alone, so it is put
# into words when a profile is first explained, and an explanation is a few look-ups.

#: From this surprise on (millinats) an attribute is called unusual: less than half as
#: common among the closed customers as the most usual cell.
ODD: Final = 700
_FIRST = NEVER_SEEN + 1
_NO_CUSTOMERS = "none of your closed customers"
#: Beyond the points and the names that any profile has.
_MOST_POINTS = 2**31
_MOST_NAMES = 2**20


class Contribution(NamedTuple):
    """What one attribute, or two together, add to the margin; points are millinats."""

    #: Table or pair, as in `points__<name>`.
    name: str
    title: str
    #: The account's own value in words, "not known" where it is missing.
    value: str
    points: int
    #: The evidence: "Retail: 41 of your 60 best, 3 of 45 regrettable".
    text: str
    known: bool
    #: Least and most points that any value of the attribute gives.
    lowest: int
    highest: int


_VALUE = Contribution._fields.index("value")
#: A float, exact below 2 ** 53: such are sorted twice as fast as integers of that size.
_Entry = tuple[float, Contribution]


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """What one table can say, by cell code and the account's own value.

    Everything comes with a number that sorts the largest first, those not known last,
    and equals by name. `order` is the place of the table among all names.
    """

    table: AttributeTable
    order: int

    @cached_property
    def contribution(self) -> Callable[[int, object], _Entry]:
        """What the value adds to the margin."""
        codes = range(self.table.size)
        return self._lookup([_contribution(self.table, code) for code in codes])

    @cached_property
    def odd(self) -> Mapping[int, Callable[[int, object], _Entry]]:
        """What is odd about a value among the closed customers, by odd cell codes."""
        table = self.table
        odd = [c for c in range(table.size) if c != MISSING and table.pooled[c] >= ODD]
        lookup = self._lookup([_oddity(table, code) for code in range(table.size)])
        return dict.fromkeys(odd, lookup)

    def _lookup(
        self, entries: Sequence[Contribution]
    ) -> Callable[[int, object], _Entry]:
        """Look up what is said by cell code; a number or level is put in as it is."""
        ready = [_entry(one, self.order) for one in entries]
        if self.table.kind.numeric:
            return _number_lookup(ready, self.table.unit)
        if self.table.kind.has_levels:
            return _level_lookup(ready, self.table.levels)
        return lambda code, _: ready[code]


def _number_lookup(
    ready: Sequence[_Entry], unit: str
) -> Callable[[int, object], _Entry]:
    parts = [(rank, one[:_VALUE], one[_VALUE + 1 :]) for rank, one in ready]

    def lookup(code: int, value: object) -> _Entry:
        if code == MISSING:
            return ready[code]
        words = own_number_words(value, unit)
        if code == NEVER_SEEN:
            return ready[code][0], _of(ready[code][1], words)
        rank, before, behind = parts[code]
        return rank, Contribution._make((*before, words, *behind))

    return lookup


def _level_lookup(
    ready: Sequence[_Entry], levels: Iterable[tuple[str, int]]
) -> Callable[[int, object], _Entry]:
    by_level: dict[object, _Entry] = {
        level: (ready[code][0], _of(ready[code][1], own_level_words(level)))
        for level, code in levels
        if code != MISSING
    }

    def lookup(code: int, value: object) -> _Entry:
        if code == MISSING:
            return ready[code]
        if value.__class__ is str and value in by_level:
            return by_level[value]
        rank, one = ready[code]
        return rank, _of(one, own_level_words(value))

    return lookup


class Together(dict[int, _Entry]):
    """What two attributes add beyond what each gives, by place in the pair's points.

    Put into words when first asked for: most of the cells are met by nobody.
    """

    def __init__(
        self,
        pair: PairTable,
        tables: tuple[AttributeTable, AttributeTable],
        order: int,
        /,
    ) -> None:
        """Nothing is said yet; `order` is the place of the pair among all names."""
        super().__init__()
        first, second = tables
        self._pair, self._order = pair, order
        self._rows = [_cell(first, code) for code in range(first.size)]
        self._columns = [_cell(second, code) for code in range(second.size)]
        self._unknown = _pair_unknown(pair, first, second)

    def __missing__(self, place: int) -> _Entry:
        """What is said of a place, kept from then on."""
        a, b = divmod(place, len(self._columns))
        one = self._unknown._replace(points=self._pair.points[place])
        if MISSING not in {a, b}:
            value = f"{self._rows[a]} and {self._columns[b]}"
            text = f"{value}, beyond what each says alone"
            one = one._replace(known=True, value=value, text=text)
        self[place] = _entry(one, self._order)
        return self[place]


def _pair_unknown(
    pair: PairTable, first: AttributeTable, second: AttributeTable
) -> Contribution:
    cells = product(range(_FIRST, first.size), range(_FIRST, second.size))
    span = [pair.points[a * second.size + b] for a, b in cells] or [0]
    return Contribution(
        name=pair.name,
        title=f"{title_of(first)} and {title_of(second)} together",
        value=NOT_KNOWN,
        points=0,
        text=_once_known(span),
        known=False,
        lowest=min(span),
        highest=max(span),
    )


def _entry(one: Contribution, order: int) -> _Entry:
    size = _MOST_POINTS - abs(one.points)
    rank = ((not one.known) * _MOST_POINTS + size) * _MOST_NAMES + order
    return float(rank), one


def _of(one: Contribution, value: str) -> Contribution:
    text = one.text or f"{value}: {_NO_CUSTOMERS}"
    return one._replace(value=value, text=text)


# ----------------------------------------------------------------------- attributes


def _contribution(table: AttributeTable, code: int) -> Contribution:
    span = table.points[_FIRST:] or (0,)
    return Contribution(
        name=table.name,
        title=title_of(table),
        value=NOT_KNOWN if code == MISSING else cell_words(table, code),
        points=table.points[code],
        text=_evidence(table, code, span),
        known=code != MISSING,
        lowest=min(span),
        highest=max(span),
    )


def _evidence(table: AttributeTable, code: int, span: Sequence[int]) -> str:
    if code == MISSING:
        return _once_known(span)
    if code == NEVER_SEEN:
        own = not table.kind.yes_no
        return "" if own else f"{cell_words(table, code)}: {_NO_CUSTOMERS}"
    return (
        f"{_cell(table, code)}: {table.best[code]:,} of your {sum(table.best):,} best, "
        f"{table.regrettable[code]:,} of {sum(table.regrettable):,} regrettable"
    )


def _once_known(points: Sequence[int]) -> str:
    return (
        f"{NOT_KNOWN}; {signed(min(points))} to {signed(max(points))} points once it is"
    )


def _cell(table: AttributeTable, code: int) -> str:
    return (
        f"{'has' if code > _FIRST else 'without'} {table.value}"
        if table.kind.per_value
        else cell_words(table, code)
    )


def _oddity(table: AttributeTable, code: int) -> Contribution:
    alike = table.best[code] + table.regrettable[code]
    total = sum(table.best) + sum(table.regrettable)
    return Contribution(
        name=table.name,
        title=title_of(table),
        value=cell_words(table, code),
        points=table.pooled[code],
        text=f"{_share_words(alike, total)} closed customers are like this",
        known=True,
        lowest=min(table.pooled),
        highest=max(table.pooled),
    )


def _share_words(alike: int, total: int) -> str:
    return f"{alike:,} of {total:,}" if alike else f"none of {total:,}"
