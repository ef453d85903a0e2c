"""Raw tables as the readers hand them on, built from literal columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.result import LINE, Ledger, RawTable, SourceReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def raw(
    columns: Mapping[str, Sequence[str | None]],
    *,
    file: str = "table.csv",
    kind: str = "csv",
    first_line: int = 2,
) -> RawTable:
    """A table whose header stands in the line above `first_line`."""
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    rows = len(frame)
    lines = pl.Series(LINE, range(first_line, first_line + rows), dtype=pl.Int64)
    return RawTable(
        frame=frame.with_columns(lines),
        report=SourceReport(
            file=file,
            sheet="Sheet1" if kind == "excel" else None,
            kind=kind,
            sha256="0" * 64,
            size=0,
            ledger=Ledger(read=rows + 1, used=rows, header=1),
            columns=tuple(columns),
        ),
    )
