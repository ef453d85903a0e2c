"""From thousands of telling rules to the few that say different things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import norm

from icp.conditions import Compare, In
from icp.learn.maxima import signed_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from icp.learn.maxima import Searched
    from icp.learn.rulespace import Space

__all__ = ["pruned"]

#: Adjusted p-value up to which a rule is worth a person's look.
_CANDIDATE: Final = 0.20
#: Each rule kept is one more test when confirming, so that the list is kept short.
_MOST_KEPT: Final = 12
_MOST_LOOKED_AT: Final = 4000
#: Chance at which a further condition earns its place, shared by all conditions.
_EARNED: Final = 0.05


def pruned(
    space: Space,
    rules: NDArray[np.int32],
    searched: Searched,
    regretted: NDArray[np.bool_],
    /,
    *,
    least: int,
    pays: float,
) -> list[tuple[tuple[int, ...], float]]:
    """Rules with adjusted p-values, each telling beyond those before it.

    The rule worth most is taken, without conditions that hardly sharpen it; the
    customers that it covers are set aside; and so on, as long as what is left of a
    rule covers `least` customers and would itself be rare by chance. Leaving pays
    where the share `pays` of a rule's customers is regrettable; a rule that costs more
    than it spares beside the others is left out again.
    """
    telling = np.flatnonzero(searched.p_value <= _CANDIDATE)
    order = np.argsort(-searched.statistic[telling], kind="stable")
    telling = telling[order[:_MOST_LOOKED_AT]]
    if not len(telling):
        return []
    places = [_places(rules[j]) for j in telling]
    inside = np.stack([_inside(space, rule) for rule in places], axis=1)
    place_of = {rule: k for k, rule in enumerate(places)}
    limit = float(norm.isf(_EARNED / max(1, len(space.conditions))))
    critical = float(np.quantile(searched.maxima, 1 - _CANDIDATE))
    doubtful = _gain(inside.sum(axis=0), inside[regretted].sum(axis=0), pays) <= 0
    open_rows = np.ones(len(regretted), dtype=bool)
    taken: list[int] = []
    while len(taken) < _MOST_KEPT:
        covered, hits, statistic = _left(inside, regretted, open_rows)
        rare = (covered >= least) & (statistic > critical)
        chosen = _worth_most(rare, _gain(covered, hits, pays), statistic, doubtful)
        if chosen is None:
            break
        chosen = _simpler(places[chosen], place_of, covered, hits, limit)
        chosen = _tighter(space, places[chosen], place_of, covered, least)
        taken.append(chosen)
        open_rows &= ~inside[:, chosen]
    needed = _needed(inside[:, taken], regretted, least=least, pays=pays)
    kept = [taken[k] for k in needed]
    return [(places[k], float(searched.p_value[telling[k]])) for k in kept]


def _places(rule: NDArray[np.int32]) -> tuple[int, ...]:
    return tuple(int(place) for place in rule if place >= 0)


def _inside(space: Space, rule: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(space.masks[:, list(rule)].all(axis=1))


def _left(
    inside: NDArray[np.bool_],
    regretted: NDArray[np.bool_],
    open_rows: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Counts and statistic of every rule among the customers not yet set aside."""
    here, bad = inside[open_rows], regretted[open_rows]
    covered, hits = here.sum(axis=0), here[bad].sum(axis=0)
    rows, positives = int(open_rows.sum()), int(bad.sum())
    if not 0 < positives < rows:
        return covered, hits, np.zeros(len(covered))
    return covered, hits, signed_root(covered, hits, rows, positives)


# ------------------------------------------------------------------------------- money


def _gain(
    covered: NDArray[np.int64], hits: NDArray[np.int64], pays: float
) -> NDArray[np.float64]:
    """What leaving brings: regrets spared beyond those that make it even."""
    return np.asarray(hits - pays * covered)


def _worth_most(
    rare: NDArray[np.bool_],
    gain: NDArray[np.float64],
    statistic: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
) -> int | None:
    """The rule whose remaining customers bring most; once none pays, the most telling.

    A rule that pays only thanks to customers set aside already is not taken: beside
    the rules before it, it would cost more than it spares.
    """
    for eligible, key in ((rare & (gain > 0), gain), (rare & doubtful, statistic)):
        if eligible.any():
            return int(np.argmax(np.where(eligible, key, -np.inf)))
    return None


def _needed(
    inside: NDArray[np.bool_],
    regretted: NDArray[np.bool_],
    *,
    least: int,
    pays: float,
) -> list[int]:
    """Rules that do not cost more than they spare beside the others, in their order.

    A broad rule taken first may hold the customers of purer ones taken after it. Where
    a rule never pays it is kept: it is shown as doubtful, and nobody loses by it.
    """
    needed = list(range(inside.shape[1]))
    for rule in tuple(needed):
        others = [other for other in needed if other != rule]
        alone = inside[:, rule] & ~inside[:, others].any(axis=1)
        whole = _gain(inside[:, rule].sum(), inside[regretted, rule].sum(), pays)
        left = _gain(alone.sum(), (alone & regretted).sum(), pays)
        if whole > 0 > left and alone.sum() >= least:
            needed = others
    return needed


# -------------------------------------------------------------------------- simplicity


def _simpler(
    rule: tuple[int, ...],
    place_of: dict[tuple[int, ...], int],
    covered: NDArray[np.int64],
    hits: NDArray[np.int64],
    limit: float,
) -> int:
    """The rule, or one within it where a condition does not earn its place.

    It does when, among the customers that the others cover, it separates regrettable
    from best beyond what the best of all conditions would by chance.
    """
    here = place_of[rule]
    for part in _parts(rule):
        there = place_of.get(part)
        if there is None:
            continue
        counts = np.array([covered[here], hits[here]])
        rows, positives = int(covered[there]), int(hits[there])
        if signed_root(counts[:1], counts[1:], rows, positives)[0] < limit:
            return _simpler(part, place_of, covered, hits, limit)
    return here


def _parts(rule: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(rule) > 1:
        for place in range(len(rule)):
            yield rule[:place] + rule[place + 1 :]


def _tighter(
    space: Space,
    rule: tuple[int, ...],
    place_of: dict[tuple[int, ...], int],
    covered: NDArray[np.int64],
    least: int,
) -> int:
    """The rule, without a level of a pair that brings fewer than `least` customers."""
    here = place_of[rule]
    for part in _single_levels(space, rule):
        there = place_of.get(part)
        if there is not None and covered[here] - covered[there] < least:
            return _tighter(space, part, place_of, covered, least)
    return here


def _single_levels(space: Space, rule: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The rule with one level in place of two, in each way."""
    for place in rule:
        pair = space.conditions[place]
        if isinstance(pair, In):
            rest = [other for other in rule if other != place]
            for value in pair.values:
                alone = Compare(pair.column, "=", value)
                if alone in space.conditions:
                    yield tuple(sorted((*rest, space.conditions.index(alone))))
