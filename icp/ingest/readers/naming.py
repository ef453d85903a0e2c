"""Labels to distinct column names; columns without a label are looked at first."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST
from icp.ingest.readers.notes import letter, line_list, plural
from icp.ingest.result import LINE, AsideLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.ingest.readers.notes import Notes

__all__ = ["Named", "name_columns"]

_FEW_NOTES = 0.05
_FEW_AT_LEAST = 20
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028\u2029\u2060\ufeff\u00ad\x00-\x1f\x7f]")
_BLANKS = re.compile(r"[\s\u00a0]+")


@dataclass(frozen=True, kw_only=True)
class Named:
    """The table under its own column names, with what was typed beside it."""

    frame: pl.DataFrame
    beside: tuple[AsideLine, ...]


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
    rows, beside, gone = _without_spare(rows, spare, notes)
    names = {i: clean[i] or letter(i) for i in range(width) if i not in gone}
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
) -> tuple[pl.DataFrame, tuple[AsideLine, ...], set[int]]:
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
    gone = {*empty, *remarks}
    return rows.drop([str(i) for i in gone]), beside, gone


def _report_apart(
    rows: pl.DataFrame, spare: list[int], empty: list[int], notes: Notes
) -> None:
    """Columns right of an empty one may be a table of their own."""
    named = [i for i in range(rows.width - 2) if i not in spare]
    gaps = [i for i in empty if named and named[0] < i < named[-1]]
    if not gaps:
        return
    right = next(i for i in named if i > gaps[0])
    notes.ask(
        "other-table",
        f"column {letter(gaps[0])} is empty; the columns from {letter(right)} on may "
        "be another table beside the first",
        column=letter(right),
        action="copy them into a file of their own if they are",
    )


def _remarks(rows: pl.DataFrame, index: int) -> list[AsideLine]:
    typed = rows.filter(pl.col(str(index)).is_not_null()).select(LINE, str(index))
    return [
        AsideLine(line=line, kind="beside", raw=text)
        for line, text in typed.iter_rows()
    ]


def _report_spare(
    spare: list[int],
    empty: list[int],
    remarks: list[int],
    beside: tuple[AsideLine, ...],
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
    """Change `names` in place so that no two are equal, and tell."""
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
    what = f"columns {letters} are both called {name!r}"
    if len(spelled) > 1:
        what = f"columns {letters} differ only in capitals: {', '.join(spelled)}"
    _report_same(rows, same, empty, names, notes, what)


def _report_same(
    rows: pl.DataFrame,
    same: list[int],
    empty: list[int],
    names: dict[int, str],
    notes: Notes,
    what: str,
) -> None:
    given = " and ".join(repr(names[i]) for i in sorted(same))
    first = sorted(same, key=lambda i: (i in empty, i))[0]
    if empty:
        ending = f"{letter(first)} is the one with values; now {given}"
        notes.note("duplicate-label", f"{what}; {ending}", column=names[first])
        return
    equal = all(rows[str(first)].equals(rows[str(i)]) for i in same if i != first)
    if equal:
        ending = f"they hold the same values; now {given}"
        notes.note("duplicate-label", f"{what}; {ending}", column=names[first])
        return
    notes.ask(
        "duplicate-label",
        f"{what} and hold different values; now {given}",
        column=names[first],
        action="choose which one to use",
    )
