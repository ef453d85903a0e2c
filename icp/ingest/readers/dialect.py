"""How a text file separates its values: found by the agreement of row widths."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from icp.ingest.readers.notes import Notes

__all__ = ["DELIMITERS", "Dialect", "find_dialect"]

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 200
_LONG = 100_000
_SEP = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@dataclass(frozen=True)
class Dialect:
    """How values are separated and quoted, and how many of them a row has."""

    delimiter: str
    width: int = 1
    quote: str | None = '"'
    escape: str | None = None
    blank_after: bool = False

    @property
    def name(self) -> str:
        """The delimiter in words."""
        return _NAMES.get(self.delimiter, repr(self.delimiter))

    @cached_property
    def strict(self) -> re.Pattern[str]:
        """Matches a whole record whose quotes stand only round whole values."""
        return re.compile(rf"{self._value}(?:{self._mark}{self._value})*+")

    @cached_property
    def regular(self) -> re.Pattern[str]:
        """As `strict`, with exactly `width` values."""
        more = f"{{{self.width - 1}}}"
        return re.compile(rf"{self._value}(?:{self._mark}{self._value}){more}")

    @cached_property
    def open(self) -> re.Pattern[str]:
        """Matches a record that ends inside a quoted value."""
        closed = rf"(?:{self._value}{self._mark})*+"
        return re.compile(rf"{closed}{self._opening}{self._inside}")

    def split(self, lines: Sequence[str], /) -> Iterator[list[str]]:
        """Split lines with the standard library's `csv`."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            doublequote=self.escape is None,
            skipinitialspace=self.blank_after,
        )

    @property
    def _mark(self) -> str:
        return re.escape(self.delimiter)

    @property
    def _opening(self) -> str:
        return (" *+" if self.blank_after else "") + re.escape(self.quote or "\0")

    @property
    def _inside(self) -> str:
        quote = re.escape(self.quote or "\0")
        if self.escape:
            back = re.escape(self.escape)
            return rf"(?:[^{quote}{back}]|{back}[\s\S])*+"
        return rf"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"

    @property
    def _value(self) -> str:
        quote = re.escape(self.quote or "\0")
        quoted = rf"{self._opening}{self._inside}{quote}"
        plain = rf"[^{quote}{self._mark}\r\n]*+"
        return rf"(?:{quoted}(?={self._mark}|\Z)|{plain})"


def find_dialect(
    lines: Sequence[str], notes: Notes, /, *, delimiter: str | None = None
) -> tuple[Dialect, int]:
    """Find the dialect of physical lines; also how many lines only declare it.

    A first line `sep=;` counts as one such line.

    Raises:
        SourceError: the given delimiter is not one character that can part values.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise notes.stop(
            "separator",
            f"{delimiter!r} cannot separate values",
            action="name one character, for instance ';' (delimiter=...)",
        )
    declared = _SEP.match(lines[0].strip("\r\n ")) if lines else None
    start = 1 if declared else 0
    sample = [
        line.rstrip("\r\n")[:_LONG] for line in lines[start : start + 5 * _SAMPLE]
    ]
    sample = [line for line in sample if line.strip()][:_SAMPLE]
    if declared:
        name = _NAMES.get(declared[1], repr(declared[1]))
        notes.note("separator", f"line 1 declares the separator: {name}", lines=[1])
    given = delimiter or (declared[1] if declared else None)
    marks = (given,) if given else DELIMITERS
    ranked = sorted(
        (_rank(sample, mark) for mark in marks), key=lambda r: r[0], reverse=True
    )
    _report_rivals(ranked, notes)
    best = ranked[0][1]
    return _with_quotes(sample, best), start


_Rank = tuple[tuple[float, ...], Dialect]


def _rank(sample: list[str], mark: str) -> _Rank:
    """Agreement of widths; a delimiter that also fits the first rows wins."""
    dialect = Dialect(mark)
    by_line = [_width(line, dialect) for line in sample]
    by_record = [len(record) for record in dialect.split([f"{x}\n" for x in sample])]
    agreement, width = max(_agreement(by_line), _agreement(by_record))
    score = agreement**2 * (1 - 1 / width)
    whole = agreement > 0.999 and width > 1
    return (float(whole), score), Dialect(mark, width=width)


def _width(line: str, dialect: Dialect) -> int:
    return len(next(dialect.split([line])))


def _agreement(widths: list[int]) -> tuple[float, int]:
    """Share of rows with the commonest width of two or more, and that width."""
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return 0.0, 1
    width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return count / len(widths), width


def _report_rivals(ranked: list[_Rank], notes: Notes) -> None:
    best = ranked[0]
    if best[1].width == 1:
        notes.ask(
            "separator",
            "only one column was found",
            action="if there should be more, name the separator (delimiter=...)",
        )
        return
    rivals = [d for rank, d in ranked[1:] if rank == best[0] and d.width > 1]
    if rivals:
        names = " and ".join([best[1].name, *(d.name for d in rivals)])
        notes.ask(
            "separator",
            f"{names} split every line equally well; {best[1].name} was taken",
            action="name the separator (delimiter=...) if the columns look wrong",
        )


def _with_quotes(sample: list[str], plain: Dialect) -> Dialect:
    """Choose quoting: double quotes unless another way fits clearly better."""
    mark, width = plain.delimiter, plain.width
    usual = Dialect(mark, width)
    if mark != " " and any(f'{mark} "' in line for line in sample):
        spaced = _measured(sample, Dialect(mark, width, blank_after=True))
        if _fitting(sample, spaced) > _fitting(sample, usual):
            usual = spaced
    others = []
    if any('\\"' in line for line in sample):
        others.append(Dialect(mark, width, escape="\\"))
    if any('"' in line for line in sample):
        others.append(Dialect(mark, width, quote=None))
    elif _in_apostrophes(sample, Dialect(mark, width, quote="'")):
        return _measured(sample, Dialect(mark, width, quote="'"))
    enough = _fitting(sample, usual)
    for other in others:
        if _fitting(sample, other) > enough + 0.3 * len(sample):
            return _measured(sample, other)
    return usual


def _in_apostrophes(sample: list[str], dialect: Dialect) -> bool:
    """Whether most lines hold values wrapped in apostrophes, and all can be split."""
    mark = re.escape(dialect.delimiter)
    wrapped = re.compile(rf"(?:^|{mark})'[^']*'(?={mark}|$)")
    count = sum(1 for line in sample if wrapped.search(line))
    strict = sum(1 for line in sample if dialect.strict.fullmatch(line))
    return count > 0.5 * len(sample) and strict == len(sample)


def _fitting(sample: list[str], dialect: Dialect) -> float:
    """How many lines are whole records of the expected width."""
    return sum(1 for line in sample if dialect.regular.fullmatch(line))


def _measured(sample: list[str], dialect: Dialect) -> Dialect:
    _, width = _agreement([_width(line, dialect) for line in sample])
    return replace(dialect, width=width)
