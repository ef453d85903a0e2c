"""The lists of a workspace that other programs get as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from icp.config import CONFIG_FILE, load_config
from icp.workflow import imports, labels, scoring, writing
from icp.workflow.access import needs

if TYPE_CHECKING:
    import polars as pl

    from icp.workflow.access import RoleName
    from icp.workflow.context import Context


class Lists:
    """What was kept out, what belongs to nobody, and all lists as files.

    Each `export_...` writes a `.csv` or `.parquet` file and returns its rows.
    """

    def __init__(self, context: Context, /, *, role: RoleName) -> None:
        self._context = context
        self.role = role

    def _reload(self) -> None:
        config = load_config(self._context.path / CONFIG_FILE)
        self._context = replace(self._context, config=config)

    @property
    def actor(self) -> str:
        """Who is at work."""
        return self._context.actor

    @needs("viewer")
    def quarantine(self, source: str | None = None) -> pl.DataFrame:
        """Rows kept out: `source`, `line`, `last_line`, `raw`, `reason`."""
        return imports.quarantine(self._context, source)

    @needs("viewer")
    def unmatched(self) -> pl.DataFrame:
        """Rows that belong to no account, by `source`; all columns are text."""
        return imports.unmatched(self._context)

    @needs("viewer")
    def export_scores(
        self, target: str | Path, /, *, run: str | int | None = None
    ) -> int:
        """Write a scored list; the newest by default."""
        return writing.write(scoring.scored(self._context, run), Path(target))

    @needs("viewer")
    def export_quarantine(
        self, target: str | Path, /, *, source: str | None = None
    ) -> int:
        """Write the rows kept out of the newest import."""
        if source is not None:
            self._context.config.source(source)
        return writing.write(imports.quarantine(self._context, source), Path(target))

    @needs("viewer")
    def export_unmatched(self, target: str | Path, /) -> int:
        """Write the rows of the newest import that belong to no account."""
        return writing.write(imports.unmatched(self._context), Path(target))

    @needs("viewer")
    def export_customers(self, target: str | Path, /) -> int:
        """Write the customers, with outcome and reason once they are labelled."""
        return writing.write(labels.customers(self._context), Path(target))
