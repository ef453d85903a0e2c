from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.ingest.result import LINE, IngestResult
from icp.schema import AccountSchema

if TYPE_CHECKING:
    from collections.abc import Mapping


def source(
    columns: Mapping[str, Any], /, *, roles: Mapping[str, str] | None = None
) -> IngestResult:
    frame = pl.DataFrame(columns)
    report: Any = SimpleNamespace(file="file.csv")
    mapping: Any = None
    return IngestResult(
        accounts=frame.with_row_index(LINE, offset=2).lazy(),
        rejected=pl.DataFrame(),
        report=report,
        mapping=mapping,
        schema=AccountSchema.infer(frame, roles=roles),
    )
