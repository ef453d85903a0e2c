"""From thousands of telling rules to the few that say different things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import norm

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
) -> list[tuple[tuple[int, ...], float]]:
    """Rules with adjusted p-values, each telling beyond those before it.

    The most telling rule is taken, without conditions that hardly sharpen it; the
    customers that it covers are set aside; and so on, as long as what is left of a
    rule covers `least` customers and would itself be rare by chance.
    """
    telling = np.flatnonzero(searched.p_value <= _CANDIDATE)
    order = np.argsort(-searched.statistic[telling], kind="stable")
    telling = telling[order[:_MOST_LOOKED_AT]]
    inside = (
        np.stack([_inside(space, rules[j]) for j in telling], axis=1)
        if len(telling)
        else np.empty((len(regretted), 0), dtype=bool)
    )
    place_of = {_places(rules[j]): k for k, j in enumerate(telling)}
    limit = float(norm.isf(_EARNED / max(1, len(space.conditions))))
    critical = np.quantile(searched.maxima, 1 - _CANDIDATE)
    open_rows = np.ones(len(regretted), dtype=bool)
    kept: list[tuple[tuple[int, ...], float]] = []
    while len(kept) < _MOST_KEPT and len(telling):
        covered, hits, statistic = _left(inside, regretted, open_rows)
        statistic[covered < least] = 0.0
        chosen = int(np.argmax(statistic))
        if statistic[chosen] <= critical:
            break
        best = _places(rules[telling[chosen]])
        chosen = _simpler(best, place_of, covered, hits, limit)
        rule = telling[chosen]
        kept.append((_places(rules[rule]), float(searched.p_value[rule])))
        open_rows &= ~inside[:, chosen]
    return kept


def _places(rule: NDArray[np.int32]) -> tuple[int, ...]:
    return tuple(int(place) for place in rule if place >= 0)


def _inside(space: Space, rule: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.asarray(space.masks[:, list(_places(rule))].all(axis=1))


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
