"""Rows of the wrong width: repaired if only one reading exists, else quarantined."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from icp.ingest.readers.grid import line_list, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.readers.grid import Draft, Record, Shape


_HABIT = 0.05
_HABIT_ROWS = 5
_MAX_MISSING = 3
#: With fewer rows than this the columns' own look proves nothing.
_ENOUGH_ROWS = 8

_WORDS = {
    "padded": "had too few values; the ones at the end are missing",
    "joined": "had an unquoted separator inside a value; the parts were joined",
    "dropped": "had an empty value too many; it was left out",
    "filled": "had a value missing in the middle; it was left empty",
    "stray quote": "had a quote inside a value; it was kept as text",
}


def place_odd_rows(draft: Draft, shapes: list[Shape], /) -> None:
    """Decide on every row that is not regular: use it, repair it, or quarantine it."""
    lines_by_fate: dict[str, list[int]] = defaultdict(list)
    habit = _is_habit(draft, shapes)
    for record in list(draft.odd):
        how = _place(draft, record, shapes, habit=habit)
        lines_by_fate[how].append(record.line)
    draft.odd = []
    _report(draft, lines_by_fate)


def _place(draft: Draft, record: Record, shapes: list[Shape], *, habit: bool) -> str:
    if record.problem:
        draft.quarantine(record, record.problem)
        return "quarantined"
    width, cells = draft.width, record.cells
    if record.repair and draft.options.repair:
        draft.repair(record, cells)
        return record.repair
    if _only_ends_empty(cells, shapes, draft.grid.delimiter):
        draft.accept(record, cells[:width])
        return "trailing"
    if habit and len(cells) < width and _fits_start(cells, shapes):
        draft.accept(record, cells + ("",) * (width - len(cells)))
        return "short"
    return _repair_or_quarantine(draft, record, shapes)


def _only_ends_empty(
    cells: tuple[str, ...], shapes: list[Shape], delimiter: str
) -> bool:
    """Whether a long row merely has empty values behind its last one.

    `Acme, Inc.,won,` ends so, too, but for the comma in its name, and `,Acme,won,` but
    for the value too many in front.
    """
    width = len(shapes)
    if len(cells) <= width or any(cell.strip() for cell in cells[width:]):
        return False
    ways = _fitting(cells, shapes, delimiter)
    return all(way == cells[:width] for way, _ in ways)


def _repair_or_quarantine(draft: Draft, record: Record, shapes: list[Shape]) -> str:
    ways = _readings(draft, record, shapes)
    last = record.last_line == draft.grid.lines
    if len(ways) == 1 and not last:
        cells, how = next(iter(ways.items()))
        draft.repair(record, cells)
        return how
    draft.quarantine(record, _why(record, draft, len(ways)))
    return "quarantined"


def _readings(
    draft: Draft, record: Record, shapes: list[Shape]
) -> dict[tuple[str, ...], str]:
    if not draft.options.repair:
        return {}
    return dict(readings(record.cells, shapes, delimiter=draft.grid.delimiter))


def _why(record: Record, draft: Draft, count: int) -> str:
    if record.repair:
        return "has a quote inside a value"
    wrong = f"has {len(record.cells)} of {draft.width} values"
    if record.last_line == draft.grid.lines and len(record.cells) < draft.width:
        return f"{wrong}; the file may end inside this row"
    many = (
        "and can be read in more than one way" if count > 1 else "and fits no reading"
    )
    return f"{wrong} {many}"


def readings(
    cells: tuple[str, ...], shapes: list[Shape], /, *, delimiter: str = ","
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every way to bring a row to full width in which all values fit their columns.

    Yields the cells and how they came about. A row that yields exactly one reading can
    be repaired; with none or several it has to be quarantined.
    """
    if shapes and shapes[0].rows >= _ENOUGH_ROWS:
        yield from _fitting(cells, shapes, delimiter)


def _fitting(
    cells: tuple[str, ...], shapes: list[Shape], delimiter: str
) -> Iterator[tuple[tuple[str, ...], str]]:
    extra = len(cells) - len(shapes)
    ways = (
        _shortened(cells, extra, delimiter) if extra > 0 else _lengthened(cells, -extra)
    )
    for candidate, how in ways:
        if all(shape.fits(c) for shape, c in zip(shapes, candidate, strict=True)):
            yield candidate, how


def _shortened(
    cells: tuple[str, ...], extra: int, delimiter: str
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Join neighbours, or drop a run of empty values."""
    for place in range(len(cells) - extra):
        run = cells[place : place + extra + 1]
        rest = cells[place + extra + 1 :]
        if all(cell.strip() for cell in run):
            yield (*cells[:place], delimiter.join(run), *rest), "joined"
    for place in range(len(cells) - extra + 1):
        if not any(cell.strip() for cell in cells[place : place + extra]):
            yield (*cells[:place], *cells[place + extra :]), "dropped"


def _lengthened(
    cells: tuple[str, ...], missing: int
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Put the missing values at one place."""
    if missing > _MAX_MISSING:
        return
    for place in range(len(cells) + 1):
        how = "padded" if place == len(cells) else "filled"
        yield (*cells[:place], *[""] * missing, *cells[place:]), how


def _fits_start(cells: tuple[str, ...], shapes: list[Shape]) -> bool:
    return all(
        not cell.strip() or shape.fits(cell)
        for cell, shape in zip(cells, shapes, strict=False)
    )


def _is_habit(draft: Draft, shapes: list[Shape]) -> bool:
    """Whether the writer leaves out empty values at the end of rows as a rule."""
    short = [
        record
        for record in draft.odd
        if not record.problem and len(record.cells) < draft.width
    ]
    enough = max(_HABIT_ROWS, _HABIT * (draft.rows.height + len(short)))
    fitting = sum(1 for record in short if _fits_start(record.cells, shapes))
    return len(short) >= enough and fitting >= 0.9 * len(short)


def _report(draft: Draft, lines_by_fate: dict[str, list[int]]) -> None:
    for how, words in _WORDS.items():
        if lines := lines_by_fate.get(how):
            draft.notes.note(
                "missing-cell" if how in {"padded", "filled"} else "deviated-value",
                f"{line_list(lines)} {words}",
                lines=lines,
                action="look at these rows in the file",
            )
    if lines := lines_by_fate.get("trailing"):
        text = f"{plural(len(lines), 'row')} had empty values beyond the last column"
        draft.notes.note("extra-cell", text, lines=lines)
    if lines := lines_by_fate.get("short"):
        draft.notes.note(
            "missing-cell",
            f"{plural(len(lines), 'row')} end early; the missing values at the end "
            "were taken as empty",
            lines=lines,
        )
    if lines := lines_by_fate.get("quarantined"):
        draft.notes.ask(
            "quarantined",
            f"{line_list(lines)} cannot be read in exactly one way; quarantined",
            lines=lines,
            action="repair them in the file, or leave them out",
        )
