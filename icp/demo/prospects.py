"""Open prospects by the million, typed, for benchmarks and streaming tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from icp.demo.names import named
from icp.demo.population import draw_accounts, hide_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["prospects_frame", "write_prospects_parquet"]

_CHUNK: Final = 100_000
_YEAR: Final = 2026


def prospects_frame(rows: int, /, *, seed: int = 7) -> pl.LazyFrame:
    """Typed prospects, drawn in chunks while the frame is read.

    Columns: `account_id`, `account_name`, the attributes under their canonical names,
    and `archetype` (Int64, the planted truth). Null means not known.
    """

    def chunks(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        limit: int | None,
        _size: int | None,
    ) -> Iterator[pl.DataFrame]:
        wanted = rows if limit is None else min(rows, limit)
        for start in range(0, wanted, _CHUNK):
            chunk = _chunk(start, rows, seed).head(wanted - start)
            kept = chunk if predicate is None else chunk.filter(predicate)
            yield kept if columns is None else kept.select(columns)

    return register_io_source(chunks, schema=_chunk(0, 1, seed).schema)


def write_prospects_parquet(
    path: str | Path, /, *, rows: int = 5_000_000, seed: int = 7
) -> None:
    """Stream `prospects_frame` into a Parquet file; memory does not grow with rows."""
    prospects_frame(rows, seed=seed).sink_parquet(path, mkdir=True)


def _chunk(start: int, rows: int, seed: int) -> pl.DataFrame:
    size = min(_CHUNK, rows - start)
    rng = np.random.default_rng([seed, 3, start])
    number = pl.int_range(start + 1, start + size + 1, eager=True)
    return (
        draw_accounts(
            rng,
            size,
            population="prospects",
            recent=np.ones(size, dtype=np.bool_),
            year=_YEAR,
        )
        .pipe(hide_values, rng, population="prospects")
        .pipe(named, start=start)
        .select(
            pl.format("P-{}", number).alias("account_id"),
            "account_name",
            pl.exclude("account_name", "domain", "archetype"),
            "archetype",
        )
    )
