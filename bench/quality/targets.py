"""The targets of the quality table, each met or missed and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.quality.measures import AUC, LOG_LOSS, half_width
from bench.quality.peers import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.sets.task import Task

    #: By set and method: measures by the name of the fold.
    Found = dict[tuple[str, str], dict[str, NDArray[np.float64]]]

OURS = "icp"
#: Test rows over rows learnt from, in five folds.
TESTED = 0.25
NEAR_BLACK_BOX = 0.003


def gaps(found: Found, name: str, peer: str, measure: int) -> NDArray[np.float64]:
    """Ours less a peer's, on every fold that both were measured on."""
    mine, theirs = found.get((name, OURS), {}), found.get((name, peer), {})
    common = sorted(set(mine) & set(theirs))
    return np.array([mine[f][measure] - theirs[f][measure] for f in common])


def mean_of(found: Found, name: str, method: str) -> NDArray[np.float64]:
    """Mean of every measure over the folds; a slope that cannot be told is left out.

    A method that was run on fewer folds than another is given the difference from that
    other on those, added to the other on all: folds differ more than methods do.
    """
    theirs = found[name, method]
    runs = [folds for (task, _), folds in found.items() if task == name]
    widest = max(runs, key=len)
    common = set(theirs) & set(widest)
    if not common or len(theirs) >= len(widest):
        return _mean(theirs)
    shared = _mean({fold: widest[fold] for fold in common})
    return _mean(widest) + _mean({fold: theirs[fold] for fold in common}) - shared


def _mean(folds: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    rows = np.array(list(folds.values()))
    known = ~np.isnan(rows)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def targets(found: Found, tasks: Sequence[Task], methods: Sequence[str]) -> list[str]:
    """One line per target and peer."""
    names = [t.name for t in tasks if not t.dated]
    signal = [t.name for t in tasks if not t.dated and t.use != "null"]
    readable = [m for m in methods if METHODS[m].readable]
    black = [m for m in methods if METHODS[m].black_box]
    lines = ["| target | against | ours less theirs | |", "|---|---|---|---|"]
    lines += [_every_set(found, name, readable) for name in names]
    for label, chosen in (("all sets", names), ("sets with signal", signal)):
        lines += [_above(found, chosen, peer, label) for peer in readable]
        lines += [_near(found, chosen, black, label)]
        peers = [m for m in methods if m != OURS]
        lines += [_not_worse(found, chosen, peer, label) for peer in peers]
    return [line for line in lines if line]


def _every_set(found: Found, name: str, readable: Sequence[str]) -> str:
    known = [m for m in readable if (name, m) in found and (name, OURS) in found]
    if not known:
        return ""
    best = min(known, key=lambda m: gaps(found, name, m, AUC).mean())
    differences = gaps(found, name, best, AUC)
    gap, width = differences.mean(), half_width(differences, tested=TESTED)
    said = f"missed by {-gap:.4f}" + (" (one fold)" if len(differences) < 2 else "")
    if gap >= 0 or gap + width >= 0:
        said = "met" if gap >= 0 else "met within noise"
    return (
        f"| AUC at least the best readable peer's on {name} | {best} | "
        f"{gap:+.4f} ± {width:.4f} | {said} |"
    )


def _mean_gap(found: Found, names: Sequence[str], peer: str, measure: int) -> float:
    parts = [gaps(found, n, peer, measure) for n in names]
    return float(np.mean([p.mean() for p in parts])) if all(map(len, parts)) else np.nan


def _above(found: Found, names: Sequence[str], peer: str, label: str) -> str:
    gap = _mean_gap(found, names, peer, AUC)
    return _line(
        f"AUC above each readable peer's, mean over {label}", peer, gap, gap > 0
    )


def _near(found: Found, names: Sequence[str], black: Sequence[str], label: str) -> str:
    means = {m: _mean_gap(found, names, m, AUC) for m in black}
    known = {m: gap for m, gap in means.items() if not np.isnan(gap)}
    if not known:
        return ""
    best = min(known, key=lambda m: known[m])
    title = f"AUC within {NEAR_BLACK_BOX} of the best black box, mean over {label}"
    gap = known[best]
    return _line(title, best, gap, gap >= -NEAR_BLACK_BOX, slack=NEAR_BLACK_BOX)


def _not_worse(found: Found, names: Sequence[str], peer: str, label: str) -> str:
    gap = _mean_gap(found, names, peer, LOG_LOSS)
    title = f"log loss at or below every peer's, mean over {label}"
    return _line(title, peer, gap, gap <= 0)


def _line(title: str, peer: str, gap: float, met: bool, slack: float = 0.0) -> str:  # noqa: FBT001  # the outcome itself
    if np.isnan(gap):
        return f"| {title} | {peer} | - | not measured on every set |"
    said = "met" if met else f"missed by {abs(gap) - slack:.4f}"
    return f"| {title} | {peer} | {gap:+.4f} | {said} |"
