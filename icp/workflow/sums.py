"""What many rows of an account come to: deals, invoices and tickets summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from icp.ingest.plan import Aggregate, Derived
from icp.outcomes import stage_outcome
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from icp.schema import AccountSchema


_DEAL_VALUES: Final = ("actual_amount", "amount", "close_value", "tcv", "acv", "arr")
_INVOICE_VALUES: Final = ("line_amount", "amount", "invoice_amount", "subtotal")
_DAYS: Final = ("invoice_date", "deal_created_date", "order_date")
#: A cost with more gaps than this cannot be taken off.
_KNOWN: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class Export:
    """A source that was read: its name, what its rows are, and the rows."""

    name: str
    file: str
    object: str
    schema: AccountSchema
    frame: pl.DataFrame

    def known(self, column: str, /) -> float:
        """Share of the rows that have a value there; 0 without such a column."""
        if column not in self.frame.columns or not self.frame.height:
            return 0.0
        return float(self.frame[column].count() / self.frame.height)

    def number(self, *columns: str) -> str | None:
        """The first of these columns that holds a number anywhere."""
        there = (name for name in columns if self._kind(name) is Kind.NUMBER)
        return next((name for name in there if self.known(name)), None)

    def day(self) -> str | None:
        """The column that says when such a row happened."""
        there = (name for name in _DAYS if self._kind(name) is Kind.DATE)
        return next((name for name in there if self.known(name)), None)

    def _kind(self, column: str) -> Kind | None:
        return self.schema[column].kind if column in self.schema else None


@dataclass(frozen=True, kw_only=True)
class Ends:
    """SQL conditions for the deals that ended, and how many there are."""

    won: str
    lost: str
    closed: int

    @property
    def over(self) -> str:
        """Either of them."""
        return f"({self.won}) OR ({self.lost})"


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Columns per account, and those that are made of them."""

    aggregates: tuple[Aggregate, ...]
    derived: tuple[Derived, ...] = ()


def quoted(text: str, /) -> str:
    """Text as SQL writes it.

    >>> quoted("Won't buy")
    "'Won''t buy'"
    """
    return "'" + text.replace("'", "''") + "'"


def deal_ends(deals: Export, /) -> Ends | None:
    """Which deals were won and which lost; None where no column tells."""
    for column in ("is_won", "deal_stage", "deal_status"):
        if not deals.known(column):
            continue
        if deals.schema[column].kind is Kind.FLAG:
            closed = deals.frame[column].count()
            return Ends(won=column, lost=f"NOT {column}", closed=closed)
        ends = _by_stage(deals, column)
        if ends:
            return ends
    return None


def sums(export: Export, /) -> Sums | None:
    """What rows of its object come to per account; None where rows are no events."""
    if export.object == "deals":
        return _deals(export)
    if export.object == "invoices":
        return _invoices(export)
    return _tickets(export) if export.object == "tickets" else None


def _by_stage(deals: Export, column: str) -> Ends | None:
    levels = deals.frame[column].drop_nulls().unique().sort().to_list()
    told = {level: stage_outcome(str(level)) for level in levels}
    won = [level for level, outcome in told.items() if outcome == "best"]
    lost = [level for level, outcome in told.items() if outcome == "regrettable"]
    if not won or not lost:
        return None
    closed = int(deals.frame[column].is_in([*won, *lost]).sum())
    return Ends(won=_among(column, won), lost=_among(column, lost), closed=closed)


def _among(column: str, levels: list[str]) -> str:
    return f"{column} IN ({', '.join(map(quoted, levels))})"


def _deals(deals: Export) -> Sums:
    ends = deal_ends(deals)
    value = deals.number(*_DEAL_VALUES)
    aggregates = [Aggregate(name="deals", take="count", label="Deals")]
    if ends:
        aggregates.append(_how_it_ended(ends))
    if value is None:
        return Sums(aggregates=(*aggregates, *_first(deals, "first_order", ends)))
    won = ends.won if ends else ""
    money, revenue = _money("won_amount", value, "revenue", rows="deals", where=won)
    return Sums(
        aggregates=(*aggregates, money, *_first(deals, "first_order", ends)),
        derived=(revenue,),
    )


def _how_it_ended(ends: Ends) -> Aggregate:
    """The best end of an account's deals: in the alphabet, lost < open < won."""
    cases = f"WHEN {ends.won} THEN 'won' WHEN {ends.lost} THEN 'lost' ELSE 'open'"
    return Aggregate(
        name="deal_outcome",
        take="max",
        of=f"CASE {cases} END",
        role=Role.OUTCOME,
        kind=Kind.CATEGORY,
        label="Deal outcome",
    )


def _invoices(invoices: Export) -> Sums | None:
    value = invoices.number(*_INVOICE_VALUES)
    if value is None and all(map(invoices.number, ("quantity", "unit_price"))):
        value = "quantity * unit_price"
    rows = Aggregate(name="invoices", take="count", label="Invoices")
    first = _first(invoices, "first_invoice", None)
    if value is None:
        return Sums(aggregates=(rows, *first))
    cost = _cost(invoices)
    amount, name = (f"{value} - {cost}", "margin") if cost else (value, "invoiced")
    money, derived = _money(f"{name}_sum", amount, name, rows="invoices")
    return Sums(aggregates=(rows, money, *first), derived=(derived,))


def _cost(invoices: Export) -> str | None:
    if invoices.known("line_cost") > _KNOWN:
        return "line_cost"
    by_unit = min(invoices.known("unit_cost"), invoices.known("quantity"))
    return "unit_cost * quantity" if by_unit > _KNOWN else None


def _tickets(tickets: Export) -> Sums:
    hours = (
        Aggregate(name=a.name, take="sum", of=a.name, unit=a.unit, label=a.label)
        for a in tickets.schema.attributes
        if a.kind is Kind.NUMBER and (a.unit == "hours" or a.name.endswith("hours"))
    )
    count = Aggregate(name="tickets", take="count", label="Tickets")
    return Sums(aggregates=(count, *hours))


def _money(
    name: str, of: str, derived: str, /, *, rows: str, where: str = ""
) -> tuple[Aggregate, Derived]:
    """A sum, and the same with null where an account has no rows at all."""
    unit = "money"
    total = Aggregate(
        name=name, take="sum", of=of, where=where, role=Role.AFTER_SALE, unit=unit
    )
    told = f"CASE WHEN {rows} > 0 THEN {name} END"
    return total, Derived(name=derived, expression=told, role=Role.OUTCOME, unit=unit)


def _first(export: Export, name: str, ends: Ends | None) -> Iterator[Aggregate]:
    """The day of the first row, where every row is a sale."""
    day = export.day()
    if day and ends is None:
        yield Aggregate(name=name, take="min", of=day, role=Role.DATE)
