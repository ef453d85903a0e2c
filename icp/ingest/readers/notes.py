"""Collects the findings of one source while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icp.errors import SourceError
from icp.ingest.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from icp.ingest.result import Level

__all__ = ["Notes", "letter", "line_list", "plural"]

_LISTED = 10


def plural(count: int, noun: str, /) -> str:
    """Say how many there are.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def line_list(lines: Iterable[int], /) -> str:
    """List line numbers in order, the first ten in full.

    >>> line_list([7, 3])
    'lines 3 and 7'
    >>> line_list([4])
    'line 4'
    """
    ordered = sorted(set(lines))
    shown = [f"{line:,}" for line in ordered[:_LISTED]]
    if len(ordered) > _LISTED:
        return f"lines {', '.join(shown)} and {len(ordered) - _LISTED:,} more"
    if len(shown) == 1:
        return f"line {shown[0]}"
    return f"lines {', '.join(shown[:-1])} and {shown[-1]}"


def letter(index: int, /) -> str:
    """Name a column as a spreadsheet does, from its 0-based position.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


class Notes:
    """The findings about one source, in the order in which they were made."""

    def __init__(self, file: str, /, *, sheet: str | None = None) -> None:
        self.file = file
        self.sheet = sheet
        self._findings: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings so far."""
        return tuple(self._findings)

    def note(
        self,
        code: str,
        message: str,
        /,
        *,
        lines: Sequence[int] = (),
        column: str | None = None,
        count: int | None = None,
        action: str = "",
    ) -> None:
        """Tell a person something; nothing needs deciding."""
        self._add("note", code, message, lines, column, count, action)

    def ask(
        self,
        code: str,
        message: str,
        /,
        *,
        lines: Sequence[int] = (),
        column: str | None = None,
        count: int | None = None,
        action: str = "",
    ) -> None:
        """Put a question to a person; the table may be wrong until it is answered."""
        self._add("ask", code, message, lines, column, count, action)

    def stop(
        self,
        code: str,
        message: str,
        /,
        *,
        line: int | None = None,
        action: str = "",
    ) -> SourceError:
        """Make the error that refuses the source; the caller raises it."""
        lines = () if line is None else (line,)
        self._add("stop", code, message, lines, None, None, action)
        return SourceError(str(self._findings[-1]))

    def refuse_any(self) -> None:
        """Raise where there is any finding.

        Raises:
            SourceError: there are findings; names the first ones.
        """
        if not self._findings:
            return
        shown = "\n".join(str(finding) for finding in self._findings[:_LISTED])
        count = plural(len(self._findings), "finding")
        raise SourceError(
            f"{self.file}: {count}, and strict reading allows none; "
            f"mend the export or read it without strict:\n{shown}"
        )

    def _add(
        self,
        level: Level,
        code: str,
        message: str,
        lines: Sequence[int],
        column: str | None,
        count: int | None,
        action: str,
    ) -> None:
        self._findings.append(
            Finding(
                level=level,
                code=code,
                message=message,
                file=self.file,
                sheet=self.sheet,
                line=min(lines) if lines else None,
                column=column,
                count=count if count is not None else max(1, len(lines)),
                action=action,
            )
        )
