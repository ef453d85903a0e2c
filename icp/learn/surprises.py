"""How unusual each cell is in a segment, in integer millinats.

The surprise of a cell is -ln p(cell) + ln p(most typical cell), so the most typical
customer of a segment is at distance 0. Probabilities carry a Dirichlet prior centred
on the pooled shares (methods 1a); one level never seen has the mass 1 / (N + 1). A
missing value costs what the segment's own customers cost on average, so that knowing
nothing is neither close nor far. A single attribute counts at most 6 nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from icp.profile import MISSING, NEVER_SEEN, AttributeTable, Novelty, Segment
from icp.scoring.cells import levels_of

if TYPE_CHECKING:
    from icp.learn.cells import Cells
    from icp.learn.segments import Split
    from icp.stats import Codes, Flags, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Group:
    """Counts of a group of customers, with the prior that belongs to them.

    Per table one array over cell codes; `surprises` are millinats, weighted.
    """

    counts: tuple[Floats, ...]
    surprises: tuple[Ints, ...]
    #: The same for one of the group's own customers, as if it were not in the group.
    without_self: tuple[Ints, ...]

    def distances(self, codes: Codes, *, own: bool = False) -> Ints:
        """Sum of surprises per row of codes; `own` leaves each row itself out."""
        tables = self.without_self if own else self.surprises
        parts = (table[codes[:, j]] for j, table in enumerate(tables))
        return sum(parts, np.zeros(len(codes), dtype=np.int64))


def group_of(
    cells: Cells,
    rows: Ints,
    /,
    *,
    shares: tuple[Floats, ...],
    weights: Ints,
    prior: float,
) -> Group:
    """Count the rows and turn the counts into surprises.

    `shares` are the pooled shares of every table's codes, `weights` the per mille by
    which a table counts, `prior` the customers that the pooled shares are worth.
    """
    counts = tuple(_counts(cells, rows, j) for j in range(len(cells.tables)))
    surprises, without = [], []
    for j, table in enumerate(cells.tables):
        smooth = table.kind.ordered
        surprise = _surprise(counts[j], shares[j], prior, smooth=smooth)
        own = _surprise_without_self(counts[j], shares[j], prior, smooth=smooth)
        surprises.append(_millinats(surprise, weights[j]))
        without.append(_millinats(own, weights[j]))
    return Group(counts=counts, surprises=tuple(surprises), without_self=tuple(without))


def _counts(cells: Cells, rows: Ints, table: int) -> Floats:
    size = cells.tables[table].size
    return np.bincount(cells.codes[rows, table], minlength=size).astype(np.float64)


_CAP = 6_000
_LEAST_CHANCE = 1e-9


def _surprise(counts: Floats, shares: Floats, prior: float, *, smooth: bool) -> Floats:
    if len(counts) < 3:
        return np.zeros(len(counts))
    values = counts.copy()
    values[:2] = 0
    if smooth:
        values[2:] = _smooth(values[2:])
    chance = (values + prior * shares) / (values.sum() + prior)
    chance[MISSING] = 1
    chance = np.maximum(chance, _LEAST_CHANCE)
    surprise = np.log(chance[2:].max()) - np.log(chance)
    surprise = np.clip(surprise, 0, _CAP / 1000)
    surprise[MISSING] = (chance[2:] * surprise[2:]).sum() / chance[2:].sum()
    return np.asarray(surprise)


def _smooth(counts: Floats) -> Floats:
    """A quarter of each number cell's customers lent to each neighbour."""
    padded = np.pad(counts, 1, mode="edge")
    return np.asarray(0.25 * padded[:-2] + 0.5 * counts + 0.25 * padded[2:])


def _surprise_without_self(
    counts: Floats, shares: Floats, prior: float, *, smooth: bool
) -> Floats:
    """Per code, the surprise after one customer of that code has been taken out."""
    result = _surprise(counts, shares, prior, smooth=smooth)
    for code in range(2, len(counts)):
        if counts[code]:
            fewer = counts.copy()
            fewer[code] -= 1
            result[code] = _surprise(fewer, shares, prior, smooth=smooth)[code]
    return result


def _millinats(surprise: Floats, weight: int) -> Ints:
    return np.round(surprise.round(9) * weight).astype(np.int64)


def pooled_shares(cells: Cells, /) -> tuple[Floats, ...]:
    """Smoothed share of every code among all closed customers, never seen included."""
    everybody = np.arange(len(cells.codes))
    return tuple(
        _shares(_counts(cells, everybody, j), table)
        for j, table in enumerate(cells.tables)
    )


def _shares(counts: Floats, table: AttributeTable) -> Floats:
    shares = counts + 0.5
    shares[MISSING] = 0
    total = counts[2:].sum()
    shares[NEVER_SEEN] = 0
    shares *= total / (total + 1) / max(shares.sum(), 1e-12)
    shares[NEVER_SEEN] = 1 / (total + 1)
    return np.asarray(shares / max(shares.sum(), 1e-12))


_POOLED_PRIOR = 1.0


def pooled_surprises(cells: Cells, shares: tuple[Floats, ...], /) -> Group:
    """Everybody closed as one unweighted group, for novelty."""
    return group_of(
        cells,
        np.arange(len(cells.codes)),
        shares=shares,
        weights=np.full(len(cells.tables), 1000),
        prior=_POOLED_PRIOR,
    )


def describe_segments(
    cells: Cells,
    rows: Ints,
    split: Split,
    kind: Literal["best", "regrettable"],
    /,
    *,
    shares: tuple[Floats, ...],
    weights: Ints,
    prior: float,
) -> tuple[tuple[Segment, ...], tuple[Group, ...]]:
    """Name the segments by the cells that set them apart, and give their surprises."""
    segments: list[Segment] = []
    groups = []
    for number in range(split.count):
        members = rows[split.members == number]
        group = group_of(cells, members, shares=shares, weights=weights, prior=prior)
        traits = _traits(cells, group, shares)
        name = _name(kind, traits, number, {segment.name for segment in segments})
        segments.append(
            Segment(
                name=name,
                kind=kind,
                size=len(members),
                traits=traits,
                surprises=tuple(tuple(s.tolist()) for s in group.surprises),
                shares=tuple(_per_mille(counts) for counts in group.counts),
            )
        )
        groups.append(group)
    return tuple(segments), tuple(groups)


_TRAITS = 3
_TELLING = 0.1


def _traits(cells: Cells, group: Group, shares: tuple[Floats, ...]) -> tuple[str, ...]:
    """Cells that are common in the segment and rarer elsewhere, one per column."""
    traits: dict[str, tuple[float, str]] = {}
    for table, counts, pooled in zip(cells.tables, group.counts, shares, strict=True):
        own = (counts + 2 * pooled) / (counts[1:].sum() + 2)
        if table.size < 3:
            continue
        gains = own[2:] * np.log(own[2:] / pooled[2:])
        if table.kind.ordered:
            telling, text = _widest_run(table, gains)
        else:
            place = int(gains.argmax())
            telling, text = float(gains[place]), table.cells[place]
        if telling > traits.get(table.column, (_TELLING, ""))[0]:
            traits[table.column] = (telling, f"{table.title}: {text}")
    ranked = sorted(traits.values(), key=lambda pair: (-round(pair[0], 9), pair[1]))
    return tuple(text for _, text in ranked[:_TRAITS])


def _widest_run(table: AttributeTable, telling: Floats) -> tuple[float, str]:
    """The run of neighbouring number cells with the largest sum, in words.

    The most telling cell alone where the run is all of them, which says nothing.
    """
    best, start, total, span = 0.0, 0, 0.0, (0, 0)
    for place, value in enumerate(telling.tolist()):
        total += value
        if total > best:
            best, span = total, (start, place)
        if total < 0:
            total, start = 0.0, place + 1
    if span == (0, len(telling) - 1):
        place = int(telling.argmax())
        return float(telling[place]), table.cells[place]
    first, last = table.cells[span[0]], table.cells[span[1]]
    return best, range_text(first, last)


def _name(kind: str, traits: tuple[str, ...], number: int, taken: set[str]) -> str:
    name = " · ".join(_short(trait) for trait in traits[:2]) or f"All {kind} customers"
    return name if name not in taken else f"{name} ({number + 1})"


def _short(trait: str) -> str:
    """A level speaks for itself; a number, yes or no needs its attribute's name.

    >>> _short("Industry: Retail"), _short("Sites: 9 or more"), _short("Team: no")
    ('Retail', 'Sites: 9 or more', 'Team: no')
    """
    level = trait.split(": ", 1)[-1]
    plain = level not in {"yes", "no"} and not any(c.isdigit() for c in level)
    return level if plain else trait


def _per_mille(counts: Floats) -> tuple[int, ...]:
    total = max(counts.sum(), 1.0)
    return tuple((counts * 1000 / total).round().astype(int).tolist())


def novelty(
    cells: Cells,
    pooled: Group,
    best_rows: Ints,
    best_members: Ints,
    best_groups: tuple[Group, ...],
    /,
    *,
    once: Flags | None = None,
) -> Novelty:
    """Leave-one-out distances of the closed and of the best customers.

    `once` (rows x tables) says where a customer is the only one with its level: had it
    been left out, that level would be one never seen.
    """
    away = cells.codes if once is None else np.where(once, NEVER_SEEN, cells.codes)
    closed = pooled.distances(away, own=True)
    codes = away[best_rows]
    nearest = np.full(len(best_rows), np.iinfo(np.int64).max)
    for number, group in enumerate(best_groups):
        inside = best_members == number
        far = np.where(inside, group.distances(codes, own=True), group.distances(codes))
        nearest = np.minimum(nearest, far)
    return Novelty(closed=_thin(closed), best=_thin(nearest))


_MOST_DISTANCES = 999


def _thin(distances: Ints) -> tuple[int, ...]:
    """Ascending; at most 999 evenly spaced order statistics."""
    ordered = np.sort(distances)
    if len(ordered) > _MOST_DISTANCES:
        places = np.linspace(0, len(ordered) - 1, _MOST_DISTANCES).round().astype(int)
        ordered = ordered[places]
    return tuple(ordered.tolist())


def seen_once(frame: pl.DataFrame, cells: Cells, /) -> Flags:
    """Rows x tables: whether nobody else among the closed customers has that level.

    >>> frame = pl.DataFrame({"town": ["a", "b", "a", None]})
    >>> from icp.learn.cells import build_cells, draft_tables
    >>> from icp.schema import AccountSchema
    >>> schema = AccountSchema.infer(frame, kinds={"town": "category"})
    >>> drafts = draft_tables(frame, schema, min_level=1, max_levels=9)
    >>> cells = build_cells(frame, drafts, np.zeros(4, dtype=np.int8))
    >>> seen_once(frame, cells)[np.argsort(cells.rows), 0].tolist()
    [False, True, False, False]
    """
    once = np.zeros(cells.codes.shape, dtype=bool)
    for j, table in enumerate(cells.tables):
        if table.kind.has_levels:
            level = levels_of(pl.col(table.column), frame.schema[table.column])
            alone = frame.select(level.is_unique()).to_series().to_numpy()
            once[:, j] = alone[cells.rows] & (cells.codes[:, j] > NEVER_SEEN)
    return once


def range_text(first: str, last: str, /) -> str:
    """The range that two cells of a number span, in words.

    >>> range_text("1 to 3", "9 or more"), range_text("up to 1", "4 to 8")
    ('1 or more', 'up to 8')
    """
    if first == last:
        return first
    low, high = first.split(" to ")[0], last.split(" to ")[-1]
    if last.endswith(" or more"):
        return "any value" if low == "up" else f"{low} or more"
    return f"{low} to {high}"
