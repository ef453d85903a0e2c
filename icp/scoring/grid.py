"""Finding a number's cell among ascending edges by look-up instead of search.

```
  edges          |      |   |         |            |        cells of unequal width
  grid       . . . . . . . . . . . . . . . . . . . . . .    places of equal width
```

A grid so fine that no place holds two edges leaves one comparison: with the edge in the
number's own place. Subtraction, clipping, square root and multiplication never change
the order of two numbers, so a number in a lower place than an edge is below it,
whatever was rounded. Edges far denser at one end are spread by square roots first.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.profile import MISSING, NEVER_SEEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Grid", "grid"]

_FIRST: Final = NEVER_SEEN + 1
_FEW_PLACES: Final = 4_096
_MOST_PLACES: Final = 65_536
_MOST_ROOTS: Final = 4
#: A little finer than the closest edges, so that rounding cannot join them.
_FINER: Final = 1.01
_CODE: Final = pl.UInt32
#: Below the border, at or above it, no number.
_ANSWERS: Final = pl.lit(3, _CODE)
_NO_NUMBER: Final = pl.lit(2, _CODE)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Places 0 to `last`; the first and the last are the ends, without an edge."""

    least: float
    span: float
    #: How many square roots spread the edges.
    roots: int
    scale: float
    edges: tuple[float, ...]

    def place(self, number: pl.Expr, /) -> pl.Expr:
        """The place of a Float64 column without NaN, 0 for null: UInt32."""
        spread = (number.fill_null(self.least) - self.least).clip(0.0, self.span)
        for _ in range(self.roots):
            spread = spread.sqrt()
        return (spread * self.scale).cast(_CODE, wrap_numerical=True)

    def cell(self, number: pl.Expr, place: pl.Expr, /) -> pl.Expr:
        """The position in `codes`: the place, and whether its border is reached."""
        reached = (number >= pl.lit(self._borders()).gather(place)).cast(_CODE)
        return place * _ANSWERS + reached.fill_null(_NO_NUMBER)

    def places(self, numbers: Sequence[float], /) -> NDArray[np.int64]:
        """The places of finite numbers, by the same arithmetic."""
        spread = np.clip(np.array(numbers, np.float64) - self.least, 0.0, self.span)
        for _ in range(self.roots):
            spread = np.sqrt(spread)
        return (spread * self.scale).astype(np.int64)

    @property
    def last(self) -> int:
        """The place of all numbers far above the edges."""
        return int(self.places([self.least + self.span])[0])

    @property
    def exact(self) -> bool:
        """Whether no place holds two edges, and the first and last hold none."""
        places = [0, *self.places(self.edges).tolist(), self.last]
        return all(a < b for a, b in pairwise(places))

    def _borders(self) -> pl.Series:
        """The edge in each place; at the ends the bounds of finite numbers."""
        borders = np.full(self.last + 1, math.inf)
        borders[0] = -sys.float_info.max
        borders[self.places(self.edges)] = self.edges
        return pl.Series(borders)

    @property
    def codes(self) -> pl.Series:
        """The cell code below each place's border, from there on, and of no number."""
        held = np.zeros(self.last + 1, dtype=np.int64)
        held[self.places(self.edges)] = 1
        reached = _FIRST + np.cumsum(held)
        codes = np.column_stack([reached - held, reached, 0 * held + MISSING])
        codes[0, 0] = codes[-1, 1] = NEVER_SEEN
        return pl.Series(codes.ravel(), dtype=_CODE)


def grid(edges: Sequence[float], /) -> Grid | None:
    """The smallest grid for ascending edges; None where they are too unequal."""
    grids = [found for roots in range(_MOST_ROOTS) if (found := _spread(edges, roots))]
    few = (found for found in grids if found.last <= _FEW_PLACES)
    return next(few, min(grids, key=lambda found: found.last, default=None))


def _spread(edges: Sequence[float], roots: int) -> Grid | None:
    if not edges:
        return None
    gaps = [b - a for a, b in pairwise(edges)] or [abs(edges[0]) + 1.0]
    # Even places need least room at the ends; a root takes most of it where it begins.
    before, behind = (gaps[0], gaps[-1]) if roots else (min(gaps), min(gaps))
    least = edges[0] - before
    span = edges[-1] + behind - least
    power = 0.5**roots
    marks = [0.0, *((edge - least) ** power for edge in edges), span**power]
    narrowest = min(b - a for a, b in pairwise(marks))
    if not (math.isfinite(span) and narrowest * _MOST_PLACES > marks[-1]):
        return None
    found = Grid(
        least=least,
        span=span,
        roots=roots,
        scale=_FINER / narrowest,
        edges=tuple(edges),
    )
    return found if math.isfinite(found.scale) and found.exact else None
