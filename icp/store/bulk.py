"""Big tables as Parquet files named by their content.

A file is written under a temporary name in the same folder, synced, renamed to its
SHA-256, and the folder is synced. Only then may a row in the store point to it, so a
crash leaves at most a file that nobody points to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import polars as pl

from icp.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_CHUNK: Final = 1 << 20
#: A temporary file this old belongs to a process that died.
_STALE_SECONDS: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class BulkFile:
    """A stored table: its content's hash and how many rows it has."""

    hash: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class BulkFolder:
    """The folder of a workspace's big tables."""

    path: Path

    def write(self, frame: pl.DataFrame | pl.LazyFrame, /) -> BulkFile:
        """Write a table and give it its name; writing it again changes nothing.

        A lazy frame is streamed. Errors of the frame's own query pass through and
        leave no file behind.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._sweep()
        temporary = self.path / f"{uuid4().hex}.tmp"
        try:
            _write(frame, temporary)
            return self._keep(temporary)
        finally:
            temporary.unlink(missing_ok=True)

    def _keep(self, temporary: Path) -> BulkFile:
        _sync(temporary)
        file = BulkFile(
            hash=sha256_of(temporary),
            rows=_rows(temporary),
            bytes=temporary.stat().st_size,
        )
        temporary.replace(self.file(file.hash))
        _sync(self.path)
        return file

    def file(self, name: str, /) -> Path:
        """Where the table of that hash lies."""
        return self.path / f"{name}.parquet"

    def scan(self, name: str, /) -> pl.LazyFrame:
        """Read a table lazily; a missing file raises StoreError."""
        file = self.file(name)
        if not file.is_file():
            message = f"stored table {name[:12]} is missing; run icp doctor"
            raise StoreError(message)
        return pl.scan_parquet(file, glob=False)

    def damage(self, expected: BulkFile, /) -> str:
        """What is wrong with a stored table, in words; empty where nothing is."""
        file = self.file(expected.hash)
        if not file.is_file():
            return "is missing"
        if sha256_of(file) != expected.hash:
            return "was changed after it was written"
        return "" if _rows(file) == expected.rows else "has another number of rows"

    def _sweep(self) -> None:
        for file in self.path.glob("*.tmp"):
            with suppress(FileNotFoundError):  # its writer was done in this very moment
                if time() - file.stat().st_mtime > _STALE_SECONDS:
                    file.unlink()


@contextmanager
def replaced(target: Path, /) -> Iterator[Path]:
    """A temporary path that takes the target's place when all went well.

    A file that is there already hands its permissions on.
    """
    # In a folder of its own: a writer that failed may still be about to create its
    # file, and cannot once the folder is gone.
    folder = target.with_name(f".{uuid4().hex}.tmp")
    folder.mkdir()
    temporary = folder / target.name
    try:
        yield temporary
        if target.is_file():
            shutil.copymode(target, temporary)
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sha256_of(file: Path, /) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(frame: pl.DataFrame | pl.LazyFrame, file: Path) -> None:
    if isinstance(frame, pl.DataFrame):
        frame.write_parquet(file, compression="zstd")
    else:
        frame.sink_parquet(file, compression="zstd", maintain_order=True)


def _rows(file: Path) -> int:
    rows: int = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
    return rows


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder to sync it
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
