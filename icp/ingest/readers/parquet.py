"""Parquet files."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.typed import text_table

if TYPE_CHECKING:
    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

__all__ = ["read_parquet"]


def read_parquet(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read a Parquet file; numbers, dates and lists become text.

    Raises:
        SourceError: damaged, or without rows.
    """
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError):
        raise notes.stop(
            "format-error",
            "is a damaged or cut-off Parquet file",
            action="write it again",
        ) from None
    return text_table(
        frame,
        notes,
        options,
        labels=frame.columns,
        kind="parquet",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
