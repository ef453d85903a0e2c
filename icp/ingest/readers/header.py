"""The row of column names, wherever it is, and distinct names made of its labels."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.fields import words
from icp.ingest.readers.grid import (
    LAST,
    Shape,
    letter,
    line_list,
    plural,
    shapes_of,
    value_kind,
)
from icp.ingest.result import LINE, ExcludedLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.ingest.readers.grid import Draft, Notes, Record

_HEAD = 60
_TRIED = 15
_MAX_LABEL = 40
_STRONG = 2
_DATA_KINDS = frozenset({"number", "date", "email", "url"})
#: Words that often name a column of a CRM export.
LABEL_WORDS = frozenset(words("label"))
_FEW_NOTES = 0.05
_FEW_AT_LEAST = 20
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028\u2029\u2060\ufeff\u00ad\x00-\x1f\x7f]")
_BLANKS = re.compile(r"[\s\u00a0]+")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The labels of the columns as they stand, and the rows they came from."""

    labels: tuple[str, ...]
    records: tuple[Record, ...] = ()

    @property
    def line(self) -> int | None:
        """Physical line of the labels; None where there are none."""
        return self.records[-1].line if self.records else None


def take_header(draft: Draft, /) -> Header:
    """Find the labels, exclude the rows above them, and report it."""
    header = find_header(draft)
    above = draft.above(header.records[0].line) if header.records else []
    draft.exclude(header.records, "header")
    draft.exclude(
        above,
        "preamble",
        f"header taken from line {header.line}; {{lines}} above it excluded",
        action="name another line (header_line=...) if this is wrong",
    )
    if len(header.records) > 1:
        lines = [record.line for record in header.records]
        draft.notes.note(
            "header", f"{line_list(lines)} were joined into one header", lines=lines
        )
    _report_width(draft, header)
    return header


def _report_width(draft: Draft, header: Header) -> None:
    """A header that is not as wide as its rows may name the wrong columns."""
    for record in header.records:
        if record.repair or record.problem:
            draft.notes.ask(
                "header",
                "a stray quote stands in the column names; it was kept as text",
                lines=[record.line],
                action="check the column names",
            )
    labels, width = list(header.labels), draft.width
    while len(labels) > width and not labels[-1].strip():
        labels.pop()
    if header.records and len(labels) != width:
        draft.notes.ask(
            "missing-label" if len(labels) < width else "extra-label",
            f"{len(labels)} column names, but most rows have {width} values; names "
            "were given from the left and may be shifted",
            lines=[header.records[-1].line],
            action="check which values belong to which name",
        )


def find_header(draft: Draft, /) -> Header:
    """Choose the row of labels.

    Raises:
        SourceError: `header_line` is not a row of the source.
    """
    options = draft.options
    if options.no_header:
        return Header(labels=("",) * draft.width)
    if options.header_line is not None:
        return _asked_header(draft, options.header_line)
    head = draft.records(count=_HEAD)
    candidate = _candidate(draft, head)
    if candidate is None:
        return _without(draft, head[0].line if head else 1)
    shapes = _shapes_below(draft, candidate)
    evidence = header_evidence(candidate.cells, shapes)
    if evidence < 0:
        return _without(draft, candidate.line)
    if evidence == 0 and draft.rows.height > 1:
        draft.notes.ask(
            "header",
            "may or may not hold column names; it was taken as the header",
            lines=[candidate.line],
            action="choose no_header if the first row is data",
        )
    return _with_neighbours(draft, candidate, head)


def _asked_header(draft: Draft, line: int) -> Header:
    records = [r for r in draft.records(first=line, count=1) if r.line == line]
    if not records:
        raise draft.notes.stop(
            "header",
            "is blank or does not exist, so it cannot be the header",
            line=line,
            action="name the line that holds the column names",
        )
    return Header(labels=records[0].cells, records=tuple(records))


def _without(draft: Draft, line: int) -> Header:
    draft.notes.ask(
        "blank-header",
        "no column names: the first row looks like data, so the columns are named by "
        "letter (A, B, ...)",
        lines=[line],
        action="name the line that holds the column names (header_line=...), add one "
        "to the file, or say that there is none (no_header)",
    )
    return Header(labels=("",) * draft.width)


def _candidate(draft: Draft, head: list[Record]) -> Record | None:
    """The first row about as full as the rows of the table."""
    typical = median([r.filled for r in head if len(r.cells) == draft.width] or [1])
    enough = max(1, min(2, draft.width), 0.6 * typical)
    full = [r for r in head if r.filled >= enough and not r.problem][:_TRIED]
    if not full:
        return None
    first = full[0]
    later = _below_a_gap(draft, full)
    if later is not None:
        return later
    if len(first.cells) == draft.width or draft.grid.sheet:
        return first
    regular = next((r for r in full if len(r.cells) == draft.width), None)
    if regular is None:
        return first
    shapes = _shapes_below(draft, regular)
    if header_evidence(regular.cells, shapes) > 0:
        return regular
    near = abs(len(first.cells) - draft.width) <= max(2, 0.3 * draft.width)
    return first if near and header_evidence(first.cells, shapes) > 0 else regular


def _below_a_gap(draft: Draft, full: list[Record]) -> Record | None:
    """A clear header below a blank line, with only a few rows above it."""
    for above, record in pairwise(full):
        gap = record.line > above.last_line + 1
        if not gap or len(record.cells) != draft.width:
            continue
        shapes = _shapes_below(draft, record)
        clear = header_evidence(record.cells, shapes) >= _STRONG
        own = _shapes_below(draft, full[0])
        titled = header_evidence(full[0].cells, own) > 0
        if clear and not titled and record.line <= _TRIED:
            return record
    return None


def _shapes_below(draft: Draft, record: Record) -> list[Shape]:
    below = [
        r.cells
        for r in draft.records(first=record.last_line + 1, count=200)
        if len(r.cells) == draft.width and r.cells != record.cells
    ]
    return shapes_of(below, width=draft.width)


def _with_neighbours(draft: Draft, record: Record, head: list[Record]) -> Header:
    """Join a row of groups above or a second row of labels below."""
    above = next((r for r in head if r.last_line == record.line - 1), None)
    below = next((r for r in head if r.line == record.last_line + 1), None)
    if above is not None and _is_group_row(above, record):
        groups = _carried_forward(above.cells, len(record.cells))
        return Header(labels=_joined(groups, record.cells), records=(above, record))
    if below is not None and _is_second_row(draft, record, below):
        labels = _joined(_carried(record, below), below.cells)
        return Header(labels=labels, records=(record, below))
    if below is not None and _may_be_header(draft, record, below):
        draft.notes.ask(
            "header",
            "looks like column names too; it was kept as a row",
            lines=[below.line],
            action=f"if line {record.line} is only a title, name this line "
            "(header_line=...)",
        )
    return Header(labels=record.cells, records=(record,))


def _is_group_row(above: Record, record: Record) -> bool:
    """Two or more short labels with gaps between them, right above the header."""
    cells = [cell.strip() for cell in above.cells[: len(record.cells)]]
    labels = [cell for cell in cells if cell]
    gaps = len(cells) > len(labels) or len(above.cells) < len(record.cells)
    return (
        len(labels) >= 2
        and gaps
        and len(above.cells) == len(record.cells)
        and all(value_kind(cell) == "text" for cell in labels)
        and all(len(cell) <= _MAX_LABEL and ":" not in cell for cell in labels)
    )


def _may_be_header(draft: Draft, record: Record, below: Record) -> bool:
    if below.cells == record.cells or len(below.cells) != draft.width:
        return False
    shapes = _shapes_below(draft, below)
    own = header_evidence(below.cells, shapes)
    return own >= min(_STRONG, draft.width) and own >= header_evidence(
        record.cells, shapes
    )


def _is_second_row(draft: Draft, record: Record, below: Record) -> bool:
    """Text in every column that holds numbers or dates further down."""
    if len(below.cells) != len(record.cells) or below.cells == record.cells:
        return False
    shapes = _shapes_below(draft, below)
    columns = [i for i, shape in enumerate(shapes) if shape.kind in _DATA_KINDS]
    labels = [below.cells[i].strip() for i in columns]
    return (
        len(columns) >= 2
        and all(value_kind(cell) == "text" for cell in labels)
        and header_evidence(below.cells, shapes) >= _STRONG
        and all(value_kind(c) in {"text", "empty", "code"} for c in below.cells)
        and len(set(labels)) > 1
    )


def _carried(record: Record, below: Record) -> list[str]:
    """Labels of the upper row; over a gap they reach to the right."""
    groups = _carried_forward(record.cells, len(below.cells))
    return [
        own.strip() or (group if low.strip() else "")
        for own, group, low in zip(record.cells, groups, below.cells, strict=True)
    ]


def _carried_forward(cells: Sequence[str], width: int) -> list[str]:
    labels: list[str] = []
    last = ""
    for index in range(width):
        cell = cells[index].strip() if index < len(cells) else ""
        last = cell or last
        labels.append(last)
    return labels


def _joined(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{a} {b}".strip() if a.strip() != b.strip() else b.strip()
        for a, b in zip(upper, (cell.strip() for cell in lower), strict=True)
    )


def header_evidence(cells: Sequence[str], shapes: Sequence[Shape], /) -> int:
    """How much a row looks like column names (positive) or like data (negative)."""
    return sum(
        _cell_evidence(cell.strip(), shape)
        for cell, shape in zip(cells, shapes, strict=False)
        if cell.strip()
    )


def _cell_evidence(cell: str, shape: Shape) -> int:
    kind = value_kind(cell)
    if kind in _DATA_KINDS:
        return 0 if _is_year(cell) and cell not in shape.levels else -1
    if cell in shape.levels:
        return -1
    if shape.kind in _DATA_KINDS:
        return 1
    if shape.kind == "code":
        return -1 if kind == "code" and not _known_word(cell) else 1
    return 1 if _known_word(cell) else 0


def looks_like_labels(cells: Sequence[str], /) -> bool:
    """Whether every value is a word that often names a column.

    >>> looks_like_labels(["Deal Name", "Stage"]), looks_like_labels(["Acme", "Won"])
    (True, False)
    """
    labels = [cell.strip() for cell in cells if cell.strip()]
    return (
        len(labels) >= _STRONG
        and len(set(labels)) == len(labels)
        and all(value_kind(cell) == "text" and _known_word(cell) for cell in labels)
    )


def _is_year(cell: str) -> bool:
    return bool(re.fullmatch(r"(?:19|20)\d\d", cell))


def _known_word(cell: str) -> bool:
    words = re.findall(r"[A-Z]?[a-zäöüß]+|[A-Z]+", cell)
    return len(words) <= 8 and any(word.lower() in LABEL_WORDS for word in words)


@dataclass(frozen=True, kw_only=True)
class Named:
    """The table under its own column names, and remarks typed beside it."""

    frame: pl.DataFrame
    beside: tuple[ExcludedLine, ...]


def name_columns(
    rows: pl.DataFrame, labels: Sequence[str], notes: Notes, /, *, lettered: bool
) -> Named:
    """Give the cell columns of a grid frame their names.

    Args:
        rows: columns "0", "1", ..., `LINE`, `LAST`.
        labels: as they stand in the header, "" where there is none.
        notes: takes the findings.
        lettered: there is no header at all, so letters are no surprise.
    """
    width = rows.width - 2
    padded = [*labels, *[""] * width][:width]
    clean = [_cleaned(label) for label in padded]
    _report_invisible(padded, clean, notes)
    if lettered:
        return Named(frame=_renamed(rows, [letter(i) for i in range(width)]), beside=())
    spare = [index for index, label in enumerate(clean) if not label]
    rows, beside, drop = _without_spare(rows, spare, notes)
    names = {i: clean[i] or letter(i) for i in range(width) if i not in drop}
    _make_distinct(rows, names, notes)
    return Named(frame=_renamed(rows, list(names.values())), beside=beside)


def _renamed(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    cells = [column for column in rows.columns if column not in {LINE, LAST}]
    return rows.select(
        *[pl.col(cell).alias(name) for cell, name in zip(cells, names, strict=True)],
        pl.col(LINE),
    )


def _cleaned(label: str) -> str:
    text = _INVISIBLE.sub(" " if "\n" in label or "\r" in label else "", label)
    return _BLANKS.sub(" ", text).strip()


def _report_invisible(labels: list[str], clean: list[str], notes: Notes) -> None:
    pairs = list(zip(labels, clean, strict=True))
    padded = [name for label, name in pairs if name and label != label.strip(" \t")]
    hidden = [
        name
        for label, name in pairs
        if name and label.strip(" \t") != name and label.strip() != name
    ]
    if padded:
        notes.note(
            "header",
            f"blanks around {plural(len(padded), 'column name')} were removed",
            count=len(padded),
        )
    if hidden:
        names = ", ".join(repr(name) for name in hidden[:10])
        notes.note(
            "header",
            f"invisible characters or line breaks were removed from {names}",
            count=len(hidden),
        )


def _without_spare(
    rows: pl.DataFrame, spare: list[int], notes: Notes
) -> tuple[pl.DataFrame, tuple[ExcludedLine, ...], set[int]]:
    """Take out columns without a label: empty ones, and remarks beside the table."""
    filled = {i: rows.height - rows[str(i)].null_count() for i in spare}
    few = max(_FEW_AT_LEAST, _FEW_NOTES * rows.height)
    empty = [i for i in spare if filled[i] == 0]
    remarks = [
        i for i in spare if 0 < filled[i] <= few and filled[i] * 4 <= rows.height
    ]
    beside = tuple(line for i in remarks for line in _remarks(rows, i))
    _report_spare(spare, empty, remarks, beside, filled, notes)
    _report_apart(rows, spare, empty, notes)
    drop = {*empty, *remarks}
    return rows.drop([str(i) for i in drop]), beside, drop


def _report_apart(
    rows: pl.DataFrame, spare: list[int], empty: list[int], notes: Notes
) -> None:
    """Columns right of an empty one may be a table of their own."""
    names = [i for i in range(rows.width - 2) if i not in spare]
    gaps = [i for i in empty if names and names[0] < i < names[-1]]
    if not gaps:
        return
    right = next(i for i in names if i > gaps[0])
    notes.ask(
        "other-table",
        f"column {letter(gaps[0])} is empty; the columns from {letter(right)} on may "
        "be another table beside the first",
        column=letter(right),
        action="copy them into a file of their own if they are",
    )


def _remarks(rows: pl.DataFrame, index: int) -> list[ExcludedLine]:
    typed = rows.filter(pl.col(str(index)).is_not_null()).select(LINE, str(index))
    return [
        ExcludedLine(line=line, kind="beside", raw=text)
        for line, text in typed.iter_rows()
    ]


def _report_spare(
    spare: list[int],
    empty: list[int],
    remarks: list[int],
    beside: tuple[ExcludedLine, ...],
    filled: dict[int, int],
    notes: Notes,
) -> None:
    if empty:
        names = ", ".join(letter(i) for i in empty)
        notes.note(
            "blank-label",
            f"{plural(len(empty), 'column')} without name and values left out: {names}",
            count=len(empty),
        )
    for i in remarks:
        lines = [item.line for item in beside]
        notes.note(
            "beside-table",
            f"column {letter(i)} has no name and {plural(filled[i], 'value')}: remarks "
            f"beside the table, kept in the report ({line_list(lines)})",
            lines=lines,
            column=letter(i),
            count=filled[i],
            action="give the column a name in the file if it belongs to the table",
        )
    for i in (i for i in spare if i not in empty and i not in remarks):
        notes.ask(
            "blank-label",
            f"has {plural(filled[i], 'value')} but no name; called {letter(i)!r}",
            column=letter(i),
            action="say what it is, or give it a name in the file",
        )


def _make_distinct(rows: pl.DataFrame, names: dict[int, str], notes: Notes) -> None:
    """Change `names` in place so that no two are equal, and report it."""
    groups: dict[str, list[int]] = {}
    for index, name in names.items():
        key = unicodedata.normalize("NFKC", name).casefold()
        groups.setdefault(key, []).append(index)
    for same in (group for group in groups.values() if len(group) > 1):
        _separate(rows, same, names, notes)
    if LINE in names.values():
        index = next(i for i, name in names.items() if name == LINE)
        names[index] = f"{LINE} (column)"


def _separate(
    rows: pl.DataFrame, same: list[int], names: dict[int, str], notes: Notes
) -> None:
    empty = [i for i in same if rows[str(i)].null_count() == rows.height]
    first, *others = sorted(same, key=lambda i: (i in empty, i))
    name = names[first]
    letters = " and ".join(letter(i) for i in sorted(same))
    spelled = sorted({names[i] for i in same})
    count = 2
    for index in others:
        if names[index] in {names[i] for i in names if i != index}:
            while f"{names[index]} ({count})" in names.values():
                count += 1
            names[index] = f"{names[index]} ({count})"
    fault = f"columns {letters} are both called {name!r}"
    if len(spelled) > 1:
        fault = f"columns {letters} differ only in capitals: {', '.join(spelled)}"
    _report_same(rows, same, empty, names, notes, fault)


def _report_same(
    rows: pl.DataFrame,
    same: list[int],
    empty: list[int],
    names: dict[int, str],
    notes: Notes,
    fault: str,
) -> None:
    new_names = " and ".join(repr(names[i]) for i in sorted(same))
    first = sorted(same, key=lambda i: (i in empty, i))[0]
    if empty:
        ending = f"{letter(first)} is the one with values; now {new_names}"
        notes.note("duplicate-label", f"{fault}; {ending}", column=names[first])
        return
    equal = all(rows[str(first)].equals(rows[str(i)]) for i in same if i != first)
    if equal:
        ending = f"they hold the same values; now {new_names}"
        notes.note("duplicate-label", f"{fault}; {ending}", column=names[first])
        return
    notes.ask(
        "duplicate-label",
        f"{fault} and hold different values; now {new_names}",
        column=names[first],
        action="choose which one to use",
    )
