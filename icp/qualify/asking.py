"""What asking is worth, for one account or for a million: whole columns at once.

Every number is worked out column by column in one fixed order, so that an account's
questions are the same numbers alone and in a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import nextafter
from sys import float_info
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.conditions import And, Compare, Has, In, Not, Or
from icp.profile import MISSING, NEVER_SEEN
from icp.qualify.money import CHANCES, LIMIT, LOG_ODDS, evidence_of
from icp.schema import Kind
from icp.scoring.prepared import per_profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from icp.conditions import Condition
    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, PairTable, Profile
    from icp.qualify.reasons import Reason

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Flags = NDArray[np.bool_]


_FIRST: Final = NEVER_SEEN + 1
_SMOOTH: Final = 0.5
_CHANCES: Final = np.array(CHANCES)
_LOG_ODDS: Final = np.array(LOG_ODDS, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Accounts as columns: where each stands before it is asked."""

    #: Log-odds of best by the profile, and once what can be cured is cured.
    profile_chance: Whole
    chance: Whole
    value: Floats
    loss: float
    cost: float

    def pursue(self, p: Floats, /) -> Floats:
        """Expected money of pursuing; as in `Stakes.pursue`."""
        return p * self.value - (1 - p) * self.loss - self.cost

    @property
    def break_even(self) -> Floats:
        """The chance up to which pursuing brings nothing, per account."""
        stake = self.value + self.loss
        return np.clip((self.loss + self.cost) / np.where(stake > 0, stake, 1.0), 0, 1)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question to all accounts: rows are accounts, columns answers."""

    #: Log-odds of best after each answer; by the profile alone for an attribute.
    chances: Whole
    #: Probability of best after each answer, and the answer's share.
    after: Floats
    shares: Floats
    #: Expected money gained by asking, and the share of answers that turn the decision.
    value: Floats
    turns: Floats


# ------------------------------------------------------------------------------ EVSI


def probabilities(chances: Whole, /) -> Floats:
    """Probabilities of log-odds; as in `probability`."""
    return _CHANCES[np.clip(chances, -LIMIT, LIMIT) + LIMIT]


def coherent(p: Floats, after: Floats, likely: Floats, /) -> Floats:
    """Shares of the answers, in proportion to `likely`, whose mean of `after` is p.

    Answers that raise the chance keep their proportions to each other, and so do those
    that lower it. Where all answers lie on one side of p, nothing about p is learnt:
    all shares fall on the answers nearest to it.

    >>> after, likely = np.array([[0.8, 0.2]]), np.array([[9.0, 1.0]])
    >>> coherent(np.array([0.5]), after, likely).round(9)
    array([[0.5, 0.5]])
    """
    gap = after - p[:, None]
    up, down = np.where(gap > 0, likely, 0.0), np.where(gap < 0, likely, 0.0)
    rise, fall = _total(up * gap), _total(-down * gap)
    both = (rise > 0) & (fall > 0)
    rise, fall = np.where(both, rise, 1.0), np.where(both, fall, 1.0)
    ups, downs = _total(up), _total(down)
    scale = ups / rise + downs / fall
    moving = (ups + downs) / np.where(scale > 0, scale, 1.0)
    straddling = (likely - up - down) + moving[:, None] * (
        up / rise[:, None] + down / fall[:, None]
    )
    distance = np.abs(gap)
    nearest = np.where(distance == distance.min(axis=1)[:, None], likely, 0.0)
    shares = np.where(both[:, None], straddling, nearest)
    return np.asarray(shares / _total(shares)[:, None])


def evsi(gains: Floats, now: Floats, shares: Floats, /) -> tuple[Floats, Floats]:
    """Expected money gained by knowing the answer, and the share that turns.

    `gains` is pursuing's money after each answer, `now` before; `shares` must be
    coherent. As the mean of the answers is the chance now, this is what the answers
    that turn the decision are worth: exactly 0 where there are none.
    """
    pays = (now > 0)[:, None]
    turned = (gains > 0) != pays
    return _total(np.where(turned, shares * np.abs(gains), 0.0)), _total(
        np.where(turned, shares, 0.0)
    )


def disqualified(p: Floats, after: Floats, likely: Floats, most: Floats, /) -> Floats:
    """Chances after each answer, where some answers put the account under a rule.

    Under a rule the chance is `most` at best (1: no rule). Where that leaves no answer
    above the chance now, the others hold what the rule leaves to them, so that the
    mean can be the chance now. Where every answer falls under a rule, none tells
    anything, and all stay as they are.

    >>> after, likely = np.array([[0.8, 0.3]]), np.array([[0.5, 0.5]])
    >>> disqualified(np.array([0.5]), after, likely, np.array([[0.1, 1.0]])).round(9)
    array([[0.1, 0.9]])
    """
    under = (most < 1) & (most == 1).any(axis=1)[:, None]
    bound = np.where(under, np.minimum(after, most), after)
    short = under.any(axis=1) & (bound.max(axis=1) <= p)
    held = p * _total(likely) - _total(np.where(under, likely * bound, 0.0))
    free = _total(np.where(under, 0.0, likely))
    rest = np.clip(held / np.where(free > 0, free, 1.0), p, 1.0)
    return np.where(short[:, None] & ~under, rest[:, None], bound)


def perfect_information(p: Floats, best: Floats, now: Floats, /) -> Floats:
    """Expected money gained by knowing the outcome; `best` is pursuing's at p = 1."""
    return p * np.maximum(0.0, best) - np.maximum(0.0, now)


def _total(columns: Floats) -> Floats:
    """Sums over each row, always from left to right."""
    total: Floats = np.zeros(len(columns))
    for place in range(columns.shape[1]):
        total = total + columns[:, place]
    return total


def _asked(
    places: Places,
    chances: Whole,
    learnt: Whole,
    likely: Floats,
    most: Floats | None = None,
) -> Asked:
    p = probabilities(places.chance)
    after = probabilities(chances + learnt[:, None])
    if most is not None:
        # Under a rule nobody pursues, whatever its own share of best would bring.
        never = np.where(most < 1, np.minimum(most, places.break_even[:, None]), 1.0)
        after = disqualified(p, after, likely, never)
    shares = coherent(p, after, likely)
    gains = after * places.value[:, None] - (1 - after) * places.loss - places.cost
    if most is not None:
        gains = np.where(most < 1, np.minimum(gains, 0.0), gains)
    value, turns = evsi(gains, places.pursue(p), shares)
    return Asked(chances=chances, after=after, shares=shares, value=value, turns=turns)


# --------------------------------------------------------------------------- reasons


def ask_reason(reason: Reason, places: Places, /) -> Asked:
    """Ask whether a reason holds: yes, no."""
    p = probabilities(places.chance)
    evidence = [evidence_of(reason.seen, holds=holds) for holds in (True, False)]
    seen = p * reason.seen.best + (1 - p) * reason.seen.regrettable
    return _asked(
        places,
        places.chance[:, None] + np.array(evidence, dtype=np.int64),
        np.zeros(len(p), dtype=np.int64),
        np.column_stack([seen, 1 - seen]),
    )


# ------------------------------------------------------------------------ attributes


def profile_chances(profile: Profile, margins: Whole, /) -> Whole:
    """Log-odds of best by the profile at these margins."""
    thresholds = np.array(profile.calibration.thresholds, dtype=np.int64)
    return np.asarray(_LOG_ODDS[np.searchsorted(thresholds, margins, side="right")])


def ask_attribute(
    profile: Profile,
    place: int,
    codes: Whole,
    margins: Whole,
    places: Places,
    /,
    *,
    most: Floats | None = None,
) -> Asked:
    """Ask for the table at `place`; answers are its cells from the first on.

    `codes` are the cell codes of the accounts (rows) in all tables (columns). `most`
    bounds the chance after answers that fall under a rule in force (1: under none).
    """
    table = profile.tables[place]
    best, regrettable = (
        _shares(table.best[_FIRST:]),
        _shares(table.regrettable[_FIRST:]),
    )
    moves = centred(_moves(profile, place, codes), best + regrettable)
    p = probabilities(places.chance)[:, None]
    return _asked(
        places,
        profile_chances(profile, margins[:, None] + moves),
        places.chance - places.profile_chance,
        p * best + (1 - p) * regrettable,
        most,
    )


def centred(moves: Whole, likely: Floats, /) -> Whole:
    """Moves of the margin by answer, shifted in the rows where all go one way.

    Not knowing may have points of its own; what it says about the answers to come is
    unknown, so that answers may not all raise the chance, nor all lower it.

    >>> centred(np.array([[100, 300], [-1, 1]]), np.array([0.5, 0.5]))
    array([[-100,  100],
           [  -1,    1]])
    """
    one_way = (moves.min(axis=1) > 0) | (moves.max(axis=1) < 0)
    mean = _total(likely * moves) / likely.sum()
    return np.asarray(moves - np.where(one_way, np.rint(mean), 0).astype(int)[:, None])


def _moves(profile: Profile, place: int, codes: Whole) -> Whole:
    """How each answer moves each account's margin, pairs included."""
    table = profile.tables[place]
    points = np.array(table.points, dtype=np.int64)
    moves = np.tile(points[_FIRST:] - points[MISSING], (len(codes), 1))
    for other, grid in _pairs(profile)[place]:
        held = grid[:, codes[:, other]]
        moves += (held[_FIRST:] - held[MISSING]).T
    return moves


@per_profile
def _pairs(profile: Profile) -> tuple[tuple[tuple[int, Whole], ...], ...]:
    """Per table: the tables it is paired with, points by (own code, other's code)."""
    names = {table.name: place for place, table in enumerate(profile.tables)}
    found: list[list[tuple[int, Whole]]] = [[] for _ in profile.tables]
    for pair in profile.pairs:
        first, second = names[pair.first], names[pair.second]
        grid = _grid(pair, profile.tables[first], profile.tables[second])
        found[first].append((second, grid))
        found[second].append((first, grid.T))
    return tuple(tuple(pairs) for pairs in found)


def _grid(pair: PairTable, first: AttributeTable, second: AttributeTable) -> Whole:
    return np.array(pair.points, dtype=np.int64).reshape(first.size, second.size)


def _shares(counts: Sequence[int]) -> Floats:
    smoothed = np.array(counts, dtype=np.float64) + _SMOOTH
    return np.asarray(smoothed / smoothed.sum())


# ---- Which answers to a question would put an account under a rule in force
#
# An answer is a cell of the profile's table. It counts as falling under a rule where
# the rule covers every value of the cell, with all else that is known of the account;
# what a cell leaves open counts as not covered. Conditions change their truth only at
# the values that they name, so that a few values stand for all of a cell.

#: A value that no rule names.
_NEITHER: Final = "\0"
_TYPES: Final = {
    Kind.NUMBER: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
    Kind.MULTI: pl.List(pl.String),
}


def reading(
    rules: Sequence[Disqualifier], table: AttributeTable, /
) -> tuple[Disqualifier, ...]:
    """The rules that read the table's column."""
    return tuple(rule for rule in rules if table.column in rule.condition.columns)


def chance_under(rule: Disqualifier, /) -> float:
    """Chance of best where a rule covers: 0 under policy, else as was seen of it.

    Only customers count that took no part in finding the rule.
    """
    if rule.kind == "policy":
        return 0.0
    seen = rule.latest
    covered, bad = (seen.later_covered, seen.later_regrettable) if seen else (0, 0)
    return (covered - bad + 0.5) / (covered + 1)


def bounds_of(rules: Sequence[Disqualifier], covers: Flags, /) -> Floats:
    """Per answer the most that the chance of best can be; 1 where no rule covers it.

    `covers` has the rules as its last dimension.
    """
    chances = np.array([chance_under(rule) for rule in rules])
    return np.asarray(np.where(covers, chances, 1.0).min(axis=-1, initial=1.0))


def covered_by_answer(
    rules: Sequence[Disqualifier], table: AttributeTable, row: Mapping[str, object], /
) -> Flags:
    """Answers x rules: whether the rule covers the account after the answer."""
    values = answers_of(table, [rule.condition for rule in rules])
    return np.array(
        [
            [
                bool(same)
                and all(
                    rule.condition.holds({**row, table.column: value}) is True
                    for value in same
                )
                for rule in rules
            ]
            for same in values
        ],
        dtype=np.bool_,
    ).reshape(len(values), len(rules))


def covered_by_answers(
    rules: Sequence[Disqualifier], table: AttributeTable, frame: pl.DataFrame, /
) -> Flags:
    """The same for every row of a frame: rows x answers x rules."""
    values = answers_of(table, [rule.condition for rule in rules])
    covers = np.zeros((frame.height, len(values), len(rules)), dtype=np.bool_)
    for answer, same in enumerate(values):
        for place, rule in enumerate(rules):
            told = (_told(table, value, frame) for value in same)
            flags = [_covers(rule.condition, answered) for answered in told]
            covers[:, answer, place] = bool(flags) and np.logical_and.reduce(flags)
    return covers


def bounds_of_frame(
    rules: Sequence[Disqualifier],
    table: AttributeTable,
    frame: pl.DataFrame,
    set_aside: Flags,
    /,
) -> Floats | None:
    """`bounds_of` per row, but for rules `set_aside` (rows x rules); None: no rule."""
    asked = reading(rules, table)
    if not asked:
        return None
    free = ~set_aside[:, None, [rules.index(rule) for rule in asked]]
    return bounds_of(asked, covered_by_answers(asked, table, frame) & free)


def covered_in(rules: Sequence[Disqualifier], frame: pl.DataFrame, /) -> Flags:
    """Rows x rules: whether the rule covers the account as it is known."""
    covers = np.zeros((frame.height, len(rules)), dtype=np.bool_)
    for place, rule in enumerate(rules):
        covers[:, place] = _covers(rule.condition, frame)
    return covers


def _told(table: AttributeTable, value: object, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with one answer given by everybody."""
    given = pl.lit(value, dtype=_TYPES.get(table.kind)).alias(table.column)
    return frame.with_columns(given)


def _covers(condition: Condition, frame: pl.DataFrame) -> Flags:
    flags = frame.with_columns(__covers__=condition.covers(frame.schema))
    return flags["__covers__"].to_numpy()


# --------------------------------------------------------------------- values of a cell


def answers_of(
    table: AttributeTable, conditions: Iterable[Condition], /
) -> tuple[tuple[object, ...], ...]:
    """Per answer the values that stand for all of its cell; none where unknown."""
    named = {v for c in conditions for v in _named(c, table.column)}
    if table.kind is Kind.FLAG:
        return ((False,), (True,))
    if table.kind is Kind.MULTI:
        others = sorted({str(value) for value in named} - {table.value})
        held = [table.value]
        return ([_NEITHER], [_NEITHER, *others]), (held, held + others)
    if table.kind is Kind.NUMBER:
        numbers = [float(v) for v in named if isinstance(v, int | float)]
        ends = (-float_info.max, *table.edges, float_info.max)
        return tuple(_of_interval(low, high, numbers) for low, high in pairwise(ends))
    kinds = {type(value) for value in named}
    return tuple(
        tuple(_as(level, kinds) for level, code in table.levels if code == cell)
        for cell in range(_FIRST, table.size)
    )


def _of_interval(low: float, high: float, named: Sequence[float]) -> tuple[object, ...]:
    """Both ends, and what lies at and beside each value named between them."""
    last = high if high == float_info.max else nextafter(high, low)
    beside = (
        v for cut in named for v in (nextafter(cut, low), cut, nextafter(cut, high))
    )
    return tuple(sorted({low, last, *(v for v in beside if low <= v <= last)}))


def _as(level: str, kinds: set[type]) -> object:
    """A level as the rules name it: text, number or yes and no."""
    if kinds == {bool}:
        return level == "true"
    return float(level) if kinds and kinds <= {int, float} else level


def _named(condition: Condition, column: str) -> tuple[object, ...]:
    """The values of a column that a condition names."""
    match condition:
        case Compare(name, _, value) | Has(name, value):
            return (value,) if name == column else ()
        case In(name, values):
            return tuple(values) if name == column else ()
        case And(parts) | Or(parts):
            return tuple(v for part in parts for v in _named(part, column))
        case Not(part):
            return _named(part, column)
    return ()
