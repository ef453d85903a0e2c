"""What every use case works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icp.config import CONFIG_FILE, edited
from icp.store.bulk import replaced

if TYPE_CHECKING:
    from pathlib import Path

    from icp.config import WorkspaceConfig
    from icp.store.store import Store


#: Called with the share done (0 to 1) and what is going on; may raise CancelledError.
Progress = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class Context:
    """An open workspace: its folder, its settings, its memory, and who is at work."""

    path: Path
    config: WorkspaceConfig
    store: Store
    actor: str


def silent(done: float, message: str, /) -> None:
    """The progress nobody asked for."""


def rewrite(context: Context, change: Callable[[str], str], /) -> None:
    """Change the text of `icp.toml`; the file is the old or the new one, never half.

    The store's lock is held meanwhile, so that two people's changes both stay.
    """
    file = context.path / CONFIG_FILE
    with context.store.database.write(context.actor), replaced(file) as temporary:
        text = edited(file.read_text(encoding="utf-8-sig"), change)
        temporary.write_text(text, encoding="utf-8")


def part_of(progress: Progress, start: float, end: float, /) -> Progress:
    """A progress that fills only the part from `start` to `end` of another.

    >>> part_of(lambda done, message: print(done, message), 0.5, 1.0)(0.5, "half")
    0.75 half
    """
    return lambda done, message: progress(start + (end - start) * done, message)
