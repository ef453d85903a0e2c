"""What a person, or another program, gets to see.

Results go to stdout, everything else (questions, progress, notes) to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from icp.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["ask", "emit", "note", "plain", "progress", "say", "table"]

_WIDTH: Final = 100


def say(text: str = "", /) -> None:
    """Print a line of the result."""
    typer.echo(_harmless(text))


def note(text: str, /) -> None:
    """Print a line that is not part of the result."""
    typer.echo(_harmless(text), err=True)


def emit(document: object, /) -> None:
    """Print the result as JSON; in ASCII where not every sign could be printed."""
    every = (sys.stdout.encoding or "").lower() in {"utf-8", "utf8"}
    typer.echo(json.dumps(plain(document), indent=1, ensure_ascii=not every))


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], /, *, err: bool = False
) -> None:
    """Print a table; on a terminal as wide as that, elsewhere 100 characters."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else _WIDTH
    console = Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False
    )
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*(_harmless(_text(value)) for value in row))
    console.print(drawn)


def ask(question: str, /, *, yes: bool) -> None:
    """Go on if a person agrees, or did so beforehand; raises CancelledError."""
    if yes:
        return
    typer.echo(f"{_harmless(question)} [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        message = "nobody there to answer; use --yes to agree beforehand"
        raise CancelledError(message)
    if answer.strip().lower() not in {"y", "yes"}:
        message = "stopped as you said; nothing was kept"
        raise CancelledError(message)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show how far long work is, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, message: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    what = TextColumn("{task.description}", markup=False)
    console = Console(stderr=True, markup=False)
    with Progress(
        what, BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda done, message: bar.update(
            task, completed=done, description=_harmless(message)
        )


def plain(value: object, /) -> Any:
    """A value as JSON can say it: frames as rows, times as ISO text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(held) for held in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON knows no NaN or infinity
    return _of_library(value)


def _of_library(value: object) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "to_dicts"):
        return plain(value.to_dicts())
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if type(value) is int else str(value)


def _harmless(text: str) -> str:
    """Without control characters, which could drive the terminal."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or c == "\u00a0")
