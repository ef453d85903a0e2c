"""How telling the best of many rules would be if nothing were behind any of them.

Westfall & Young (1993): labels are permuted, and the largest statistic over the whole
search is kept each time. A rule's adjusted p-value is the share of permutations whose
largest statistic reaches its own; that accounts for every rule that was tried and for
how much rules overlap. The statistic is the signed root of the likelihood ratio of the
2 x 2 table, which treats rules of small and of large coverage alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import xlogy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from icp.stats import Codes, Flags, Floats, Ints


class RuleStatistics(NamedTuple):
    """Per rule how many it covers and hits, its statistic and adjusted p-value."""

    covered: Ints
    hits: Ints
    statistic: Floats
    p_value: Floats
    #: The largest statistic of each permutation, ascending.
    maxima: Floats


#: Cells of one block of rule masks; keeps memory near 100 MB whatever the search.
_BLOCK: Final = 12_000_000


def search(
    masks: Flags,
    rules: Codes,
    permutations: NDArray[np.float32],
    /,
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> RuleStatistics:
    """Count every rule under every permutation.

    `masks` is rows x conditions; a rule is a row of condition numbers, all of which
    must hold (-1 where it has fewer). `permutations` comes from `permute_labels`.
    """
    rows = len(masks)
    positives = round(float(permutations[0].sum()))
    columns = masks.T.astype(np.float32)
    most = np.full((len(permutations), rows + 1), -1.0, dtype=np.float32)
    covered = np.empty(len(rules), dtype=np.int64)
    hits = np.empty(len(rules), dtype=np.int64)
    step = max(1, _BLOCK // (rows + len(permutations)))
    for start in range(0, len(rules), step):
        block = rules[start : start + step]
        inside = _inside(columns, block)
        size = inside.sum(axis=1).round().astype(np.int64)
        order = np.argsort(size, kind="stable")
        counts = permutations @ inside[order].T
        covered[start : start + step] = size
        hits[start + order] = counts[0].round()
        _keep_largest(most, counts, size[order])
        progress(min(1.0, (start + step) / len(rules)))
    statistic = signed_root(covered, hits, rows, positives)
    maxima = np.sort(_maxima(most[1:], rows, positives))
    reached = len(maxima) - np.searchsorted(maxima, statistic - 1e-9)
    return RuleStatistics(
        covered=covered,
        hits=hits,
        statistic=statistic,
        p_value=(1 + reached) / (1 + len(maxima)),
        maxima=maxima,
    )


def _inside(columns: NDArray[np.float32], block: Codes) -> NDArray[np.float32]:
    inside = columns[block[:, 0]]
    for further in block.T[1:]:
        present = further >= 0
        if present.all():
            inside *= columns[further]
        elif present.any():
            inside[present] *= columns[further[present]]
    return inside


def _keep_largest(
    most: NDArray[np.float32], counts: NDArray[np.float32], covered: Ints
) -> None:
    """Per permutation and coverage the largest count: the statistic grows with it.

    `covered` ascends.
    """
    sizes, starts = np.unique(covered, return_index=True)
    largest = np.maximum.reduceat(counts, starts, axis=1)
    most[:, sizes] = np.maximum(most[:, sizes], largest)


def _maxima(most: NDArray[np.float32], rows: int, positives: int) -> Floats:
    sizes = np.flatnonzero(most.max(axis=0, initial=-1.0) >= 0)
    if not len(sizes):
        return np.zeros(len(most))
    largest = most[:, sizes].astype(np.int64)
    return np.asarray(signed_root(sizes, largest, rows, positives).max(axis=1))


def permute_labels(
    labels: Flags,
    groups: Ints,
    strata: Ints,
    /,
    *,
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """`count` permutations of the labels as rows of 0 and 1; the first is as given.

    Labels stay within their stratum, and rows of one group keep theirs together: a
    group changes places only with groups of its size. A group is of the stratum of
    its first row.
    """
    permutations = np.empty((count + 1, len(labels)), dtype=np.float32)
    permutations[0] = labels
    for rows in _exchangeable(groups, strata):
        order = np.tile(np.arange(len(rows)), (count, 1))
        moved = rng.permuted(order, axis=1)
        permutations[1:, rows.reshape(-1)] = labels[rows][moved].reshape(count, -1)
    return permutations


def _exchangeable(groups: Ints, strata: Ints) -> Iterator[Ints]:
    """Row numbers as groups x members, for each stratum and size of group."""
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    first = strata[order[starts]]
    for stratum, size in sorted(set(zip(first.tolist(), sizes.tolist(), strict=True))):
        firsts = starts[(first == stratum) & (sizes == size)]
        yield order[firsts[:, None] + np.arange(size)]


def signed_root(covered: Ints, hits: Ints, rows: int, positives: int, /) -> Floats:
    """Signed root of the likelihood ratio of each 2 x 2 table; 0 at or below chance.

    `hits` of `covered` rows are positive, `positives` of all `rows`.

    >>> signed_root(np.array([10, 10]), np.array([9, 5]), 40, 20).round(2).tolist()
    [3.09, 0.0]
    """
    expected = covered * (positives / rows)
    table = (
        (hits, expected),
        (covered - hits, covered - expected),
        (positives - hits, positives - expected),
        (rows - covered - positives + hits, rows - covered - positives + expected),
    )
    ratio = sum(xlogy(count, count / np.maximum(due, 1e-12)) for count, due in table)
    above = hits > expected + 1e-9
    return np.where(above, np.sqrt(np.maximum(2 * ratio, 0)), 0.0)
