"""One line of the honesty table: what is claimed, what was found, and whether it holds.

A row is a dict with `id`, `claim`, `target`, `figure` and `met`; `met` is "met" or says
by how much the figure misses its target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, str]
KEYS = ("id", "claim", "target", "figure", "met")


def row(id: str, claim: str, target: str, figure: str, met: str, /) -> Row:
    """The five cells by name."""
    return dict(zip(KEYS, (id, claim, target, figure, met), strict=True))


def spread_over(value: float, low: float, high: float, /) -> str:
    """Say "met" within the bounds, else by how much it misses them."""
    if low <= value <= high:
        return "met"
    return f"missed by {max(low - value, value - high):.3f}"


def at_least(value: float, target: float, /) -> str:
    """Say "met" from the target on."""
    return "met" if value >= target else f"missed by {target - value:.3f}"


def at_most(value: float, target: float, /) -> str:
    """Say "met" up to the target."""
    return "met" if value <= target else f"missed by {value - target:.3f}"


def line(cells: Row, /) -> str:
    """The row as a line of a Markdown table."""
    return "| " + " | ".join(cells[key].replace("|", "/") for key in KEYS) + " |"


def table(rows: Iterable[Row], /) -> list[str]:
    """All rows under their heads."""
    return [f"| {' | '.join(KEYS)} |", "|---|---|---|---|---|", *map(line, rows)]


def read_table(text: str, /) -> list[Row]:
    """The rows of a page that holds one table of them."""
    lines = [part for part in text.splitlines() if part.startswith("| ")]
    cells = (part.strip("| ").split(" | ") for part in lines[1:])
    return [dict(zip(KEYS, each, strict=True)) for each in cells]
