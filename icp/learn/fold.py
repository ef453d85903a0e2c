"""Folding trees of depth two into tables of one and of two attributes, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from icp.profile import MISSING, NEVER_SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from icp.learn.trees import Trees

    Floats = NDArray[np.float64]

__all__ = ["Contrast", "Pair", "capped", "folded", "strongest"]

#: Most by which rounding to millinats moves what one cell gives beside another.
_ROUNDING = 0.001


class Pair(NamedTuple):
    """What two tables give together beyond what each gives alone, in nats.

    `points` is code of `first` x code of `second`; `first` comes before `second`.
    """

    first: int
    second: int
    points: Floats


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Log-odds in nats: `base`, one value per table and cell code, and pairs."""

    base: float
    points: tuple[Floats, ...]
    pairs: tuple[Pair, ...] = ()

    def logits(self, codes: NDArray[np.int32], /) -> Floats:
        """Log-odds of each row of cell codes."""
        parts = [points[codes[:, j]] for j, points in enumerate(self.points)]
        parts += [
            pair.points[codes[:, pair.first], codes[:, pair.second]]
            for pair in self.pairs
        ]
        return sum(parts, np.full(len(codes), self.base))


def folded(
    trees: list[Trees],
    weights: Floats,
    models: Iterable[int],
    codes: NDArray[np.int32],
    sizes: NDArray[np.int64],
    silent: NDArray[np.bool_],
    /,
) -> Contrast:
    """The mean over `models` of the trees, each round by its weight.

    Pairs are free of what their tables give alone, as if the two were independent
    (functional analysis of variance; Hooker 2007), and tables are centred over the
    customers of `codes`. A level never seen gives 0, and so does missing in `silent`
    tables.
    """
    points = [np.zeros(size) for size in sizes]
    pairs: dict[tuple[int, int], Floats] = {}
    chosen = list(models)
    for weight, grown in zip(weights / len(chosen), trees, strict=False):
        for model in chosen:
            _add(grown, model, weight, points, pairs, sizes)
    shares = [_shares(codes[:, j], sizes[j], silent[j]) for j in range(len(sizes))]
    return _pure(points, pairs, shares, silent)


def _add(
    grown: Trees,
    model: int,
    weight: float,
    points: list[Floats],
    pairs: dict[tuple[int, int], Floats],
    sizes: NDArray[np.int64],
) -> None:
    root = int(grown.root[model])
    side = grown.side[model, : sizes[root]]
    for number in (0, 1):
        then = int(grown.then[model, number])
        values = weight * grown.values[model, number, : sizes[then]]
        here = side == number
        if then == root:
            points[root][here] += values[here]
            continue
        first, second = min(root, then), max(root, then)
        table = pairs.setdefault(
            (first, second), np.zeros((sizes[first], sizes[second]))
        )
        oriented = table if first == root else table.T
        oriented[here] += values
    points[root][side > 1] += weight * grown.unseen[model]


def _shares(codes: NDArray[np.int32], size: np.int64, silent: np.bool_) -> Floats:
    counts = np.bincount(codes, minlength=int(size)).astype(np.float64)
    counts[NEVER_SEEN] = 0
    counts[MISSING] *= not silent
    return np.asarray(counts / max(counts.sum(), 1.0))


def _pure(
    points: list[Floats],
    pairs: dict[tuple[int, int], Floats],
    shares: list[Floats],
    silent: NDArray[np.bool_],
) -> Contrast:
    base, kept = 0.0, []
    for (first, second), table in sorted(pairs.items()):
        rows, columns = table @ shares[second], shares[first] @ table
        middle = float(shares[first] @ rows)
        points[first] += rows - middle
        points[second] += columns - middle
        base += middle
        pure = table - rows[:, None] - columns + middle
        for code in (MISSING, NEVER_SEEN):
            pure[code] *= code == MISSING and not silent[first]
            pure[:, code] *= code == MISSING and not silent[second]
        kept.append(Pair(first, second, pure))
    for j, values in enumerate(points):
        centre = float(shares[j] @ values)
        base += centre
        values -= centre
        values[NEVER_SEEN] = 0
        values[MISSING] *= not silent[j]
    return Contrast(base=base, points=tuple(points), pairs=tuple(kept))


def strongest(
    found: Contrast, codes: NDArray[np.int32], sizes: NDArray[np.int64], /, *, most: int
) -> NDArray[np.bool_]:
    """Which tables may be asked together: tables x tables, true for `most` pairs.

    The strongest by the mean square of what they give to the customers.
    """
    force = [
        (-float(np.square(p.points[codes[:, p.first], codes[:, p.second]]).mean()), p)
        for p in found.pairs
    ]
    partners = np.eye(len(sizes), dtype=bool)
    ranked = sorted(force, key=lambda pair: (round(pair[0], 12), pair[1][:2]))
    for _, (first, second, _) in ranked[:most]:
        partners[first, second] = partners[second, first] = True
    return partners


def capped(found: Contrast, /) -> Contrast:
    """The same, with nothing that is not known doing better than a table's best cell.

    Whatever the other tables hold, missing and never seen give at most what the cell
    that is best alone gives, pairs included. They may give less than any other cell:
    where customers of whom something is not known turned out worse, that is worth
    knowing. So the one thing that exchanging the outcomes does not negate is a cap that
    was needed.
    """
    best = [2 + int(values[2:].argmax()) for values in found.points]
    points = tuple(
        np.concatenate([np.minimum(values[:2], values[at]), values[2:]])
        for values, at in zip(found.points, best, strict=True)
    )
    pairs = tuple(p._replace(points=p.points.copy()) for p in found.pairs)
    for table, (values, at) in enumerate(zip(points, best, strict=True)):
        of_table = [p.points for p in pairs if p.first == table]
        of_table += [p.points.T for p in pairs if p.second == table]
        for code in (MISSING, NEVER_SEEN):
            _cap(of_table, code, at, float(values[at] - values[code]))
    return Contrast(base=found.base, points=points, pairs=pairs)


def _cap(pairs: list[Floats], code: int, best: int, lead: float) -> None:
    """Take from the pairs, in place, what a code gains there beyond the lead it lacks.

    Each holds the table's codes first. Rounding to millinats must not undo it.
    """
    room = max(0.0, lead - _ROUNDING * (1 + len(pairs)))
    excess = [np.maximum(pair[code] - pair[best], 0) for pair in pairs]
    most = float(sum(gained.max() for gained in excess))
    if most > room:
        for pair, gained in zip(pairs, excess, strict=True):
            pair[code] -= (1 - room / most) * gained
