"""A document as plain values, so that every format says the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Block", "Bullets", "Document", "Section", "Table"]


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts; every row has one text per header.

    >>> Table(("a", "b"), (("1",),))
    Traceback (most recent call last):
    ...
    ValueError: a table row has 1 cell, not 2
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.headers):
                noun = "cell" if len(row) == 1 else "cells"
                message = f"a table row has {len(row)} {noun}, not {len(self.headers)}"
                raise ValueError(message)


#: A paragraph, a list or a table.
Block: TypeAlias = str | Bullets | Table


@dataclass(frozen=True)
class Section:
    """A title and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A titled text; nothing in it is markup."""

    title: str
    lead: str
    sections: tuple[Section, ...] = field(default=())
