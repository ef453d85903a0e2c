"""Columns that know the outcome, and columns that mislead in other ways.

A column written during or after the sale makes a model look brilliant and useless.
Roles come first; these checks catch what a person marked wrongly (methods 1c, checks
1-4, 6 and 7; Kaufman et al. 2012). A refused column stays out of the profile until
a person accepts it by name. Two warnings refuse nothing: a contrast that is that of who
sold, or when, and prospects unlike the customers.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from icp.errors import SchemaError
from icp.ingest.fields import written_after_sale
from icp.learn.cells import PLACEHOLDERS
from icp.learn.evidence import log_odds
from icp.learn.surprises import range_text
from icp.profile import MISSING, NEVER_SEEN, AttributeTable, ColumnFinding
from icp.schema import Role
from icp.scoring.cells import code_matrix, refuse_unreadable
from icp.stats import sigmoid, wilson
from icp.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from icp.learn.cells import Cells
    from icp.learn.evidence import Alone
    from icp.profile import AttributeEvidence, AttributeTable
    from icp.schema import AccountSchema
    from icp.stats import Codes, Flags, Floats, Ints


_USELESS = {
    "empty": "it has no value at all",
    "constant": "every known value is the same",
    "rare": "no value is common enough to learn from",
    "identifier": "nearly every account has a value of its own, like an id",
}


def unusable_columns(
    frame: pl.DataFrame, columns: Iterable[str], tables: Sequence[AttributeTable], /
) -> dict[str, ColumnFinding]:
    """Columns that cannot be learnt from: empty, constant, rare, an id or a copy.

    `tables` are the cells into which the values of `columns` were cut; a list column
    may have none. Of columns that say the same of every customer, one is kept: they
    would share the credit and vote twice.
    """
    codes = code_matrix(frame, tables)
    findings: dict[str, ColumnFinding] = {}
    for column in columns:
        places = [j for j, table in enumerate(tables) if table.column == column]
        own = [tables[j] for j in places]
        code = _why_useless(frame[column], own, codes[:, places])
        if code:
            findings[column] = _finding(column, code, _USELESS[code])
    rest = [j for j, table in enumerate(tables) if table.column not in findings]
    return findings | _copies([tables[j] for j in rest], codes[:, rest])


_DISTINCT = 0.9
_FEW_LEVELS = 20


def _why_useless(
    values: pl.Series, tables: list[AttributeTable], codes: Codes
) -> str | None:
    has_values = codes >= 2
    if not has_values.any():
        items = values.dtype.is_nested() and values.explode().count()
        return "rare" if items else "empty"
    levels = [level for table in tables for level, code in table.levels if code]
    if len(levels) > max(_FEW_LEVELS, _DISTINCT * has_values.sum()):
        return "identifier"
    cells = (len(np.unique(column[column >= 2])) for column in codes.T)
    if max(cells) > 1 or any(table.value is not None for table in tables):
        return None
    return "rare" if len(levels) > 1 else "constant"


def _finding(
    column: str, code: str, text: str, *, excluded: bool = True
) -> ColumnFinding:
    return ColumnFinding(
        column=column, code=code, message=f"{column}: {text}", excluded=excluded
    )


def _copies(tables: Sequence[AttributeTable], codes: Codes) -> dict[str, ColumnFinding]:
    """Columns that split the customers exactly as another one does.

    A column whose name alone would have it refused is never kept for a harmless name.
    """
    single = [j for j, table in enumerate(tables) if table.value is None]
    single.sort(key=lambda j: (_by_name(tables[j]) is None, tables[j].column))
    first: dict[bytes, str] = {}
    copies = {}
    for j in single:
        column = tables[j].column
        original = first.setdefault(_partition(codes[:, j]), column)
        if original != column:
            text = (
                f"it says the same as {original} of every customer; "
                f"leave {original} out to use this one"
            )
            copies[column] = _finding(column, "copy", text)
    return copies


def _by_name(table: AttributeTable) -> ColumnFinding | None:
    column = table.column
    if written_after_sale(column):
        text = "its name says it is filled in during or after the sale"
        return _finding(column, "name", text)
    if names_the_seller(column):
        text = "its name says who sold; the next account may have another seller"
        return _finding(column, "owner", text)
    return None


def _partition(codes: Codes) -> bytes:
    """Which customers are alike, whatever their cells are called."""
    _, start, place = np.unique(codes, return_index=True, return_inverse=True)
    start[np.unique(codes) == MISSING] = -1
    return start[place].astype(np.int64).tobytes()


def suspicious_columns(
    cells: Cells,
    alone: tuple[Alone, ...],
    fill_rates: dict[str, float],
    made_from: Iterable[str] = (),
    /,
) -> dict[str, ColumnFinding]:
    """Columns that look as if they were written after the outcome, with the reason.

    `fill_rates` gives, per column, the share of *prospects* that have a value; a
    column filled only for customers cannot score prospects. `made_from` are columns
    that the outcome was made from. The most telling reason is given where several
    apply.
    """
    circular = set(made_from)
    findings: dict[str, ColumnFinding] = {}
    for table, one in zip(cells.tables, alone, strict=True):
        finding = (
            _by_outcome(table, circular)
            or _by_name(table)
            or _by_ranking(table, one)
            or _by_purity(table, one)
            or _by_missing(table, one)
            or _by_fill(cells, table, fill_rates)
            or _by_one_outcome(table, one)
        )
        if finding and table.column not in findings:
            findings[table.column] = finding
    return findings


def _by_outcome(table: AttributeTable, made_from: set[str]) -> ColumnFinding | None:
    if table.column not in made_from:
        return None
    text = "the outcome is calculated from it, so it would explain itself"
    return _finding(table.column, "outcome", text)


_RANKS_TOO_WELL = 0.9


def _by_ranking(table: AttributeTable, one: Alone) -> ColumnFinding | None:
    if one.auc >= _RANKS_TOO_WELL:
        text = (
            "on its own it separates best from regrettable almost perfectly "
            f"({one.auc:.2f})"
        )
        return _finding(table.column, "too_good", text)
    return None


_PURE_CUSTOMERS = 10
_PURE_SHARE = 0.02
_PURE_CHANCE = 1e-4
_PURE_RANKS = 0.75
_PURE_COVERS = 0.5


def _by_purity(table: AttributeTable, one: Alone) -> ColumnFinding | None:
    """A cell whose customers all had one outcome, beyond what chance gives."""
    counts = one.best + one.regrettable
    base = one.best.sum() / max(counts.sum(), 1)
    pure = 0.0
    for best, total in zip(one.best[2:], counts[2:], strict=True):
        if total >= max(_PURE_CUSTOMERS, _PURE_SHARE * counts.sum()):
            chance = base if best == total else 1 - base if best == 0 else 1.0
            likely = chance**total * table.size
            pure += total if likely < _PURE_CHANCE else 0
    share = pure / max(counts[2:].sum(), 1)
    if share < _PURE_COVERS or one.auc < _PURE_RANKS:
        return None
    customers = f"{percent(share)} of customers"
    text = f"{customers} have a value that always comes with the same outcome"
    return _finding(table.column, "pure", text)


_MISSING_RANKS = 0.7


def _by_missing(table: AttributeTable, one: Alone) -> ColumnFinding | None:
    if one.missing_auc <= _MISSING_RANKS:
        return None
    text = (
        "whether it is filled in separates best from regrettable "
        f"({one.missing_auc:.2f}), so it is probably filled in later"
    )
    return _finding(table.column, "missing_tells", text)


_FILL_GAP = 0.3


def _by_fill(
    cells: Cells, table: AttributeTable, fill_rates: dict[str, float]
) -> ColumnFinding | None:
    if table.column not in fill_rates:
        return None
    place = next(i for i, t in enumerate(cells.tables) if t.name == table.name)
    closed = float((cells.codes[:, place] > 0).mean())
    open_ones = fill_rates[table.column]
    if abs(closed - open_ones) <= _FILL_GAP:
        return None
    customers = f"{percent(closed)} of customers have a value"
    text = f"{customers}, {percent(open_ones)} of prospects"
    return _finding(table.column, "fill_rate", text)


_PURE_SURELY = 0.9


def _by_one_outcome(table: AttributeTable, one: Alone) -> ColumnFinding | None:
    """A level, or a run of number cells, surely of one outcome; only worth a look.

    Surely: nine in ten at least, by the lower bound of the share.
    """
    for name, best, total in _runs(table, one):
        chance = one.best.sum() / max((one.best + one.regrettable).sum(), 1)
        likely = (chance if best else 1 - chance) ** total * table.size
        if wilson(total, total)[0] >= _PURE_SURELY and likely < _PURE_CHANCE:
            outcome = "best" if best else "regrettable"
            text = (
                f"all {total:,} customers with {name!r} are {outcome}; make sure that "
                "it is known before the sale"
            )
            return _finding(table.column, "one_outcome", text, excluded=False)
    return None


def _runs(table: AttributeTable, one: Alone) -> Iterator[tuple[str, bool, int]]:
    """Cells whose customers all had one outcome: their name, whether best, how many.

    Neighbouring cells of a number are taken together.
    """
    counts = (one.best + one.regrettable)[2:]
    sides = np.sign(one.best[2:]) - np.sign(one.regrettable[2:])
    places = range(len(counts))
    for (side, _), run in groupby(
        places, lambda i: (int(sides[i]), table.kind.ordered or i)
    ):
        if side:
            cells = list(run)
            name = range_text(table.cells[cells[0]], table.cells[cells[-1]])
            yield name, side > 0, int(counts[cells].sum())


#: Words that say who sold rather than who bought.
_SELLERS = (
    *("owner", "seller", "salesperson", "sales person", "sales rep", "sales agent"),
)
_SELLER_ENDINGS = ("seller", "salesperson", "person", "rep", "agent", "name", "id")


def names_the_seller(name: str, /) -> bool:
    """Whether a column's name says that it is about who sold, not who bought.

    >>> names_the_seller("Account Owner"), names_the_seller("Owner-managed firm")
    (True, False)
    """
    words = _words_of(name)
    return _mentions(words, _SELLERS) and words[-1] in {"owner", *_SELLER_ENDINGS}


def _words_of(name: str) -> list[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z0-9]+", split.casefold())


def _mentions(words: list[str], phrases: Iterable[str]) -> bool:
    text = f" {' '.join(words)} "
    return any(f" {phrase} " in text for phrase in phrases)


_FILL_ROWS = 30


def fill_rates(frame: pl.DataFrame, columns: Iterable[str], /) -> dict[str, float]:
    """Share of rows with a value, per column that the frame has.

    NaN and texts that say "not answered" are no values, as when learning. Nothing is
    said of fewer than 30 rows: one gap among three would be a third.
    """
    present = [column for column in columns if column in frame.columns]
    if not present or frame.height < _FILL_ROWS:
        return {}
    counts = frame.select(has_value(c, frame.schema[c]).mean() for c in present)
    return dict(zip(present, np.asarray(counts.row(0), dtype=float), strict=True))


def has_value(column: str, dtype: pl.DataType, /) -> pl.Expr:
    """Whether a row has a value, and not one that says "not answered"."""
    values = pl.col(column)
    if dtype.is_float():
        return (values.is_not_null() & values.is_not_nan()).fill_null(value=False)
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        text = values.cast(pl.String).str.strip_chars().str.to_lowercase()
        return ~text.is_in(list(PLACEHOLDERS)).fill_null(value=True)
    return values.is_not_null()


#: Names of columns that say who sold or when, each with a number per customer; -1
#: where it is not known.
Strata = dict[str, "Ints"]


def strata_of(
    customers: pl.DataFrame, schema: AccountSchema, /, *, date: str | None
) -> Strata:
    """Who sold to each customer and in which year, where the frame says so.

    Columns of the role owner, columns named like one, and the year of `date`. A column
    with fewer than two values, or with nearly as many as customers, says nothing.
    """
    owners = [a.name for a in schema.with_role(Role.OWNER)]
    sellers = [c for c in customers.columns if c not in owners and names_the_seller(c)]
    columns = {
        name: customers[name] for name in (*owners, *sellers) if name in customers
    }
    if date and isinstance(customers[date].dtype, pl.Date | pl.Datetime):
        columns[f"the year of {date}"] = customers[date].dt.year()
    numbers = {name: _stratum_numbers(values) for name, values in columns.items()}
    return {name: each for name, each in numbers.items() if _tells(each)}


def _stratum_numbers(values: pl.Series) -> Ints:
    if not has_texts(values.dtype):
        return np.full(len(values), -1)
    ranks = values.cast(pl.String).rank("dense").fill_null(0).to_numpy()
    return ranks.astype(np.int64) - 1


_LEAST_PER_STRATUM = 4


def _tells(strata: Ints) -> bool:
    numbers = strata[strata >= 0]
    count = len(np.unique(numbers))
    return 2 <= count <= len(numbers) / _LEAST_PER_STRATUM


# If one seller wins most deals and sells mostly to banks, banks look like good
# customers; among the customers of each seller the contrast vanishes. So the log-odds
# that an attribute shows overall are compared with those within each seller or year, by
# logistic regression with and without an intercept per stratum (Breslow & Day 1980, the
# model behind the odds ratio of Mantel & Haenszel 1959, for any number of levels).

_BEYOND_CHANCE = 0.05


def confounder_findings(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    strata: Strata,
    evidence: Sequence[AttributeEvidence],
    /,
) -> tuple[ColumnFinding, ...]:
    """Warn of attributes whose contrast is that of who sold, or when.

    `rows` of `cells` are best or regrettable, as `positive` says; `strata` number the
    rows of the frame that `cells` were cut from. Told are attributes that separate
    beyond chance and of whose contrast, beyond chance, less than half is left within
    strata; and those that strata determine so far that the two cannot be told apart.
    Nothing is refused.
    """
    separates = [one.p_value <= _BEYOND_CHANCE for one in evidence]
    findings: dict[str, ColumnFinding] = {}
    for name, numbers in strata.items():
        own = numbers[cells.rows[rows]]
        for j, table in enumerate(cells.tables):
            if separates[j] and table.column not in (name, *findings):
                counts = _counts(cells.codes[rows, j], own, positive, table.size)
                text = _confounding_words(counts, name)
                if text:
                    findings[table.column] = _finding(
                        table.column, "confounded", text, excluded=False
                    )
    return tuple(findings.values())


def _counts(codes: Codes, strata: Ints, positive: Flags, size: int) -> Floats:
    """Customers per cell, stratum and outcome, where cell and stratum are known."""
    usable = (codes > 1) & (strata >= 0)
    count = int(strata.max(initial=0)) + 1
    places = (codes[usable] * count + strata[usable]) * 2 + positive[usable]
    totals = np.bincount(places, minlength=size * count * 2)
    return totals.reshape(size, count, 2).astype(np.float64)


_SHRINKS_TO = 0.5
_SEPARABLE = 0.1


def _confounding_words(counts: Floats, name: str) -> str | None:
    """What is wrong, in words; None where the contrast holds within strata."""
    within = _within_strata(counts)
    if within is None:
        return None
    if within.left < _SEPARABLE:
        return (
            f"{name} and it go together so closely that which of the two matters "
            "cannot be told; the next account may get another"
        )
    if within.share >= _SHRINKS_TO or within.above >= 0:
        return None
    left = "reverses" if within.share < 0 else f"shrinks to {percent(within.share)}"
    return (
        f"among customers alike in {name} its contrast {left}; it may say who sold, "
        "or when, rather than who is a good customer"
    )


class _Within(NamedTuple):
    """How far an attribute's contrast holds within strata.

    `share` is the contrast within strata per contrast overall, `above` an upper bound
    of it less a half, in the same unit; `left` the share of the attribute's information
    that strata leave.
    """

    share: float
    above: float
    left: float


#: One in five is wrong at the border: a warning that only asks for a look.
_SURE = 0.8416


def _within_strata(counts: Floats) -> _Within | None:
    """The contrast overall against within strata; None where there is nothing to see.

    The bound is from every customer's influence on the difference of the two slopes.
    """
    both = counts.sum(axis=2)
    levels = log_odds(counts[:, :, 1].sum(axis=1), counts[:, :, 0].sum(axis=1))
    overall = _regress(counts.sum(axis=1, keepdims=True), levels)
    within = _regress(counts, levels)
    if overall.slope <= 0:
        return None
    if within.information <= 0:
        return _Within(0.0, 0.0, 0.0)
    apart = within.influence - _SHRINKS_TO * overall.influence
    spread = np.sqrt((counts * apart**2).sum() * _inflation(both))
    above = within.slope - _SHRINKS_TO * overall.slope + _SURE * spread
    return _Within(
        share=round(float(within.slope / overall.slope), 9),
        above=round(float(above), 9),
        left=float(within.information / overall.information),
    )


class _Slope(NamedTuple):
    slope: float
    information: float
    influence: Floats


_NEWTON_STEPS = 12
_STEEPEST = 20.0
_TINY = 1e-9


def _regress(counts: Floats, levels: Floats) -> _Slope:
    """Logistic regression of the outcome on `levels`, an intercept per stratum.

    Newton's method; strata (the second axis) in which all did alike say nothing.
    """
    both = counts.sum(axis=2)
    varies = (counts.sum(axis=0) > 0).all(axis=1)
    slope, starts = 0.0, np.zeros(len(varies))
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(starts + slope * levels[:, None])
        weight = both * chance * (1 - chance) * varies
        total = np.maximum(weight.sum(axis=0), _TINY)
        middle = (weight * levels[:, None]).sum(axis=0) / total
        away = levels[:, None] - middle
        information = float((weight * away**2).sum())
        if information <= _TINY:
            return _Slope(0.0, 0.0, np.zeros_like(counts))
        missed = (counts[:, :, 1] - both * chance) * varies
        step = float((missed * away).sum() / information)
        starts = np.clip(starts + missed.sum(axis=0) / total - step * middle, -30, 30)
        slope = float(np.clip(slope + step, -_STEEPEST, _STEEPEST))
    off = np.stack([-chance, 1 - chance], axis=2) * varies[:, None]
    return _Slope(slope, information, off * away[:, :, None] / information)


def _inflation(customers: Floats) -> float:
    """For the intercepts that were fitted, one per stratum."""
    total, strata = customers.sum(), (customers.sum(axis=0) > 0).sum()
    return float(total / max(1.0, total - strata - 1))


_LEAST_VALUES = 30
_MOSTLY = 0.5


def population_findings(
    prospects: pl.DataFrame,
    customers: pl.DataFrame,
    tables: Sequence[AttributeTable],
    /,
) -> Iterator[ColumnFinding]:
    """Columns whose values lie, for most prospects, where no customer's did.

    A number outside the customers' range scores as the range's end does, and a level
    that no customer had scores nothing, so the column says little about such prospects.
    Nothing is said of fewer than 30 prospects that have a value. Nothing is refused.
    """
    present = [
        table
        for table in tables
        if not table.kind.yes_no and _readable(prospects, table)
    ]
    codes = code_matrix(prospects, present)
    for table, code in zip(present, codes.T, strict=True):
        with_value = has_value(table.column, prospects.schema[table.column])
        filled_in = (code > 0) & prospects.select(with_value).to_series().to_numpy()
        total = int(filled_in.sum())
        outside = int((filled_in & _outside(prospects, customers, table, code)).sum())
        if total >= _LEAST_VALUES and outside >= _MOSTLY * total:
            yield _population_finding(table, outside / total)


def _readable(prospects: pl.DataFrame, table: AttributeTable) -> bool:
    if table.column not in prospects.columns:
        return False
    try:
        refuse_unreadable(prospects.schema, {table.column: table.kind})
    except SchemaError:
        return False  # scoring says so, with what to do
    return True


def _outside(
    prospects: pl.DataFrame,
    customers: pl.DataFrame,
    table: AttributeTable,
    codes: Codes,
) -> Flags:
    if table.kind.has_levels:
        return np.asarray(codes == NEVER_SEEN)
    numbers, past = (_numbers(frame[table.column]) for frame in (prospects, customers))
    past = past[np.isfinite(past)]
    return np.asarray((numbers < past.min()) | (numbers > past.max()))


def _numbers(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _population_finding(table: AttributeTable, share: float) -> ColumnFinding:
    text = (
        f"{percent(share)} of the prospects' values are outside the customers' range "
        "and count as its nearest end; check the unit"
        if table.kind.numeric
        else f"{percent(share)} of the prospects' values are ones that no customer has "
        "and count for nothing; check the spelling"
    )
    return _finding(table.column, "prospects_unlike", text, excluded=False)


def has_texts(dtype: pl.DataType, /) -> bool:
    """Whether values of a type can be told apart as texts."""
    unwritten = isinstance(dtype, pl.Binary | pl.Object | pl.Duration)
    return not dtype.is_nested() and not unwritten
