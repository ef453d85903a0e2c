"""What asking is worth, for one account or for a million: whole columns at once.

Every number is worked out column by column in one fixed order, so that an account's
questions are the same numbers alone and in a list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import nextafter
from sys import float_info
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.conditions import And, Compare, Has, In, Not, Or
from icp.profile import MISSING, NEVER_SEEN
from icp.qualify.money import CHANCES, LIMIT, LOG_ODDS, evidence_of
from icp.scoring.prepared import per_profile
from icp.scoring.words import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from icp.conditions import Condition
    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, PairTable, Profile
    from icp.qualify.money import Stakes
    from icp.qualify.reasons import Catalogue, Reason

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Flags = NDArray[np.bool_]


_FIRST: Final = NEVER_SEEN + 1
_SMOOTH: Final = 0.5
_CHANCES: Final = np.array(CHANCES)
_LOG_ODDS: Final = np.array(LOG_ODDS, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Accounts as columns: chances and stakes before anything is asked."""

    #: Log-odds of best by the profile, and once what can be cured is cured.
    profile_chance: Whole
    chance: Whole
    stakes: Stakes[Floats]

    @cached_property
    def p(self) -> Floats:
        """The probability of best."""
        return probabilities(self.chance)

    @cached_property
    def worth(self) -> Floats:
        """Expected money of pursuing."""
        return self.stakes.pursue(self.p)


@dataclass(frozen=True, kw_only=True)
class Inquiry:
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
    """Probabilities of log-odds in millinats; as `probability`."""
    return np.asarray(_CHANCES[np.minimum(np.maximum(chances, -LIMIT), LIMIT) + LIMIT])


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


def chances_under_rules(
    p: Floats, after: Floats, likely: Floats, most: Floats, /
) -> Floats:
    """Chances after each answer, where some answers put the account under a rule.

    Under a rule the chance is `most` at best (1: no rule). Where that leaves no answer
    above the chance now, the other answers share what the rule leaves to them, so that
    the mean can be the chance now. Where every answer falls under a rule, none tells
    anything, and all stay as they are.

    >>> after, likely = np.array([[0.8, 0.3]]), np.array([[0.5, 0.5]])
    >>> most = np.array([[0.1, 1.0]])
    >>> chances_under_rules(np.array([0.5]), after, likely, most).round(9)
    array([[0.1, 0.9]])
    """
    under = (most < 1) & (most == 1).any(axis=1)[:, None]
    bound = np.where(under, np.minimum(after, most), after)
    short = under.any(axis=1) & (bound.max(axis=1) <= p)
    left = p * _total(likely) - _total(np.where(under, likely * bound, 0.0))
    free = _total(np.where(under, 0.0, likely))
    rest = np.clip(left / np.where(free > 0, free, 1.0), p, 1.0)
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


def _inquiry(
    outlook: Outlook,
    chances: Whole,
    evidence: Whole,
    likely: Floats,
    most: Floats | None = None,
) -> Inquiry:
    """`evidence` is what the deal itself adds to the profile's chances."""
    p, stakes = outlook.p, outlook.stakes
    after = probabilities(chances + evidence[:, None])
    if most is not None:
        # Under a rule nobody pursues, whatever its own share of best would bring.
        never = np.where(most < 1, np.minimum(most, stakes.break_even[:, None]), 1.0)
        after = chances_under_rules(p, after, likely, never)
    shares = coherent(p, after, likely)
    gains = replace(stakes, value=stakes.value[:, None]).pursue(after)
    if most is not None:
        gains = np.where(most < 1, np.minimum(gains, 0.0), gains)
    value, turns = evsi(gains, outlook.worth, shares)
    return Inquiry(
        chances=chances, after=after, shares=shares, value=value, turns=turns
    )


# --------------------------------------------------------------------------- reasons


def ask_reason(reason: Reason, outlook: Outlook, /) -> Inquiry:
    """Ask whether a reason holds: yes, no."""
    p = outlook.p
    evidence = [evidence_of(reason.seen, holds=holds) for holds in (True, False)]
    share = p * reason.seen.best + (1 - p) * reason.seen.regrettable
    return _inquiry(
        outlook,
        outlook.chance[:, None] + np.array(evidence, dtype=np.int64),
        np.zeros(len(p), dtype=np.int64),
        np.array([share, 1 - share]).T,
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
    outlook: Outlook,
    /,
    *,
    most: Floats | None = None,
) -> Inquiry:
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
    p = outlook.p[:, None]
    return _inquiry(
        outlook,
        profile_chances(profile, margins[:, None] + moves),
        outlook.chance - outlook.profile_chance,
        p * best + (1 - p) * regrettable,
        most,
    )


def attribute_words(table: AttributeTable, catalogue: Catalogue, /) -> str:
    """The question for an attribute: the workspace's own words, or plain ones."""
    own = catalogue.questions.get(table.name) or catalogue.questions.get(table.column)
    title = title_of(table)
    if own:
        return own
    if table.kind.per_value:
        return f"Does their {table.column.replace('_', ' ')} include {table.value}?"
    if table.kind.yes_no:
        return f"{title[:1].upper()}{title[1:]}: yes or no?"
    unit = f" (in {table.unit})" if table.unit and table.kind.numeric else ""
    return f"{title[:1].upper()}{title[1:]}{unit}: what is it?"


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
        both = grid[:, codes[:, other]]
        moves += (both[_FIRST:] - both[MISSING]).T
    return moves


@per_profile
def _pairs(profile: Profile) -> tuple[tuple[tuple[int, Whole], ...], ...]:
    """Per table: the tables it is paired with, points by (own code, other's code)."""
    places = {table.name: place for place, table in enumerate(profile.tables)}
    partners: list[list[tuple[int, Whole]]] = [[] for _ in profile.tables]
    for pair in profile.pairs:
        first, second = places[pair.first], places[pair.second]
        grid = _grid(pair, profile.tables[first], profile.tables[second])
        partners[first].append((second, grid))
        partners[second].append((first, grid.T))
    return tuple(tuple(pairs) for pairs in partners)


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


def chance_under(rule: Disqualifier, /) -> float:
    """Chance of best where a rule covers: 0 under policy, else as its evidence says.

    Only customers count that took no part in finding the rule.
    """
    if rule.kind == "policy":
        return 0.0
    evidence = rule.latest
    if evidence is None:
        return 0.5
    good = evidence.later_covered - evidence.later_regrettable
    return (good + 0.5) / (evidence.later_covered + 1)


def covers_of(
    rules: Sequence[Disqualifier],
    frame: pl.DataFrame,
    /,
    answer: pl.Expr | None = None,
) -> Flags:
    """Rows x rules: whether the rule surely covers the account, given an answer."""
    covers = np.zeros((frame.height, len(rules)), dtype=np.bool_)
    if rules:
        facts = frame.lazy() if answer is None else frame.lazy().with_columns(answer)
        schema = facts.collect_schema()
        flags = facts.select(
            rule.condition.covers(schema).alias(str(place))
            for place, rule in enumerate(rules)
        ).collect()
        for place, column in enumerate(flags.iter_columns()):
            covers[:, place] = column.to_numpy()
    return covers


def covers_by_answer(
    rules: Sequence[Disqualifier], table: AttributeTable, frame: pl.DataFrame, /
) -> Flags:
    """Rows x answers x rules: whether the rule covers the account after the answer."""
    cells = answers_of(table, [rule.condition for rule in rules])
    covers = np.zeros((frame.height, len(cells), len(rules)), dtype=np.bool_)
    for answer, values in enumerate(cells):
        flags = [covers_of(rules, frame, _answer(table, value)) for value in values]
        covers[:, answer, :] = bool(flags) and np.logical_and.reduce(flags)
    return covers


def bounds_of(
    rules: Sequence[Disqualifier],
    table: AttributeTable,
    frame: pl.DataFrame,
    exempt: Flags,
    /,
) -> Floats | None:
    """Rows x answers: the most that the chance of best can be; 1 where no rule covers.

    `exempt` (rows x rules) are exceptions. None where no rule reads the table's column.
    """
    places = [i for i, r in enumerate(rules) if table.column in r.condition.columns]
    if not places:
        return None
    reading = [rules[place] for place in places]
    covers = covers_by_answer(reading, table, frame) & ~exempt[:, None, places]
    chances = np.array([chance_under(rule) for rule in reading])
    return np.asarray(np.where(covers, chances, 1.0).min(axis=-1))


def _answer(table: AttributeTable, value: object) -> pl.Expr:
    """The table's column as if everybody had answered so."""
    return pl.lit(
        value, dtype=None if table.kind.has_levels else table.kind.dtype
    ).alias(table.column)


# --------------------------------------------------------------------- values of a cell


def answers_of(
    table: AttributeTable, conditions: Iterable[Condition], /
) -> tuple[tuple[object, ...], ...]:
    """Per answer the values that stand for all of its cell; none where unknown."""
    cuts = {v for c in conditions for v in _values(c, table.column)}
    if table.kind.per_value:
        others = sorted({str(value) for value in cuts} - {table.value})
        own = [table.value]
        return ([_NEITHER], [_NEITHER, *others]), (own, own + others)
    if table.kind.yes_no:
        return ((False,), (True,))
    if table.kind.numeric:
        numbers = [float(v) for v in cuts if isinstance(v, int | float)]
        ends = (-float_info.max, *table.edges, float_info.max)
        return tuple(_of_interval(low, high, numbers) for low, high in pairwise(ends))
    kinds = {type(value) for value in cuts}
    return tuple(
        tuple(_as(level, kinds) for level, code in table.levels if code == cell)
        for cell in range(_FIRST, table.size)
    )


def _of_interval(low: float, high: float, cuts: Sequence[float]) -> tuple[object, ...]:
    """Both ends, and what lies at and beside each cut between them."""
    last = high if high == float_info.max else nextafter(high, low)
    beside = (
        v for cut in cuts for v in (nextafter(cut, low), cut, nextafter(cut, high))
    )
    return tuple(sorted({low, last, *(v for v in beside if low <= v <= last)}))


def _as(level: str, kinds: set[type]) -> object:
    """A level as the rules name it: text, number or yes and no."""
    if kinds == {bool}:
        return level == "true"
    return float(level) if kinds and kinds <= {int, float} else level


def _values(condition: Condition, column: str) -> tuple[object, ...]:
    """The values of a column that a condition names."""
    match condition:
        case Compare(name, _, value) | Has(name, value):
            return (value,) if name == column else ()
        case In(name, values):
            return tuple(values) if name == column else ()
        case And(parts) | Or(parts):
            return tuple(v for part in parts for v in _values(part, column))
        case Not(part):
            return _values(part, column)
    return ()
