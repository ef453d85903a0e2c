"""From a raw table and its mapping to typed accounts; no row is lost in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import MappingError, counted
from icp.ingest.changes import check_mapping
from icp.ingest.columns import read_column
from icp.ingest.magnitude import magnitude_findings
from icp.ingest.result import LINE, Finding, IngestResult
from icp.ingest.rules import ROW_KEYS

if TYPE_CHECKING:
    from icp.ingest.result import QuarantinedRow, RawTable
    from icp.ingest.rules import ColumnMapping

__all__ = ["parse"]

_REJECTED = {
    "line": pl.Int64,
    "last_line": pl.Int64,
    "raw": pl.String,
    "reason": pl.String,
}
_NO_KEY = "no value in any column that says which row this is"


def parse(table: RawTable, mapping: ColumnMapping, /) -> IngestResult:
    """Read every mapped column of a raw table in its kind's type.

    A value that cannot be read is missing in that column, with a finding that names
    lines; the row stays. A row without any of its mapped keys (`account_id`,
    `account_name`, `domain` ...) goes to `rejected` as it came. The report's findings
    include those of `check_mapping`. A mapped column that is not in the table is all
    missing; MappingError if that is true of every key.
    """
    _refuse_without_keys(table, mapping)
    read = [read_column(table, rule) for rule in mapping.columns]
    typed = pl.DataFrame([column.values for column in read]).with_columns(
        table.frame[LINE]
    )
    keys = [rule.name for rule in mapping.columns if rule.name in ROW_KEYS]
    kept, unnamed = _split(typed, keys)
    findings = (
        *check_mapping(table, mapping),
        *(finding for column in read for finding in column.findings),
        *magnitude_findings(table, mapping, typed),
        *_key_findings(table, mapping, kept, unnamed),
    )
    report = table.report.with_findings(findings)
    ledger = report.ledger.move_to_quarantine(_lines_of(table, unnamed))
    return IngestResult(
        accounts=kept.lazy(),
        rejected=_rejected(table, unnamed),
        report=replace(report, ledger=ledger),
        mapping=mapping,
        schema=mapping.schema,
    )


def _refuse_without_keys(table: RawTable, mapping: ColumnMapping) -> None:
    keys = [rule.source for rule in mapping.columns if rule.name in ROW_KEYS]
    if keys and not set(keys).intersection(table.frame.columns):
        message = (
            f"{table.report.file} lacks {counted(keys, 'column')} that "
            "say which row is which; map another column to account_id"
        )
        raise MappingError(message)


def _split(typed: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, list[int]]:
    """The rows with a key, and the positions of those without."""
    if not keys:
        return typed, []
    known = typed.select(pl.any_horizontal(pl.col(keys).is_not_null())).to_series()
    return typed.filter(known), (~known).arg_true().to_list()


def _lines_of(table: RawTable, rows: list[int]) -> int:
    """How many physical lines the rows at these positions span.

    Only in a text file do line breaks inside values make more lines.
    """
    if table.report.kind != "csv" or not rows:
        return len(rows)
    breaks = table.frame[rows].select(
        pl.sum_horizontal(pl.exclude(LINE).str.count_matches("\r\n|\r|\n").fill_null(0))
    )
    return len(rows) + int(breaks.to_series().sum())


def _rejected(table: RawTable, rows: list[int]) -> pl.DataFrame:
    """Rows the reader quarantined, then those without a key, in line order."""
    earlier = [_as_dict(row) for row in table.quarantined]
    raw = table.frame[rows]
    texts = raw.drop(LINE).select(
        pl.concat_str(pl.all().fill_null(""), separator="\t").alias("raw")
    )["raw"]
    later = [
        {"line": line, "last_line": line, "raw": text, "reason": _NO_KEY}
        for line, text in zip(raw[LINE], texts, strict=True)
    ]
    return pl.DataFrame([*earlier, *later], schema=_REJECTED).sort("line")


def _as_dict(row: QuarantinedRow) -> dict[str, object]:
    return {
        "line": row.line,
        "last_line": row.last_line,
        "raw": row.raw,
        "reason": row.reason,
    }


def _key_findings(
    table: RawTable, mapping: ColumnMapping, kept: pl.DataFrame, unnamed: list[int]
) -> list[Finding]:
    found = []
    if not any(rule.name in ROW_KEYS for rule in mapping.columns):
        found.append(_without_key(table))
    if unnamed:
        found.append(
            Finding(
                level="note",
                code="missing-cell",
                message=f"{len(unnamed):,} rows have {_NO_KEY}: set aside",
                line=int(table.frame[LINE][unnamed[0]]),
                count=len(unnamed),
                action="list them under rejected rows; complete them in the source",
                file=table.report.file,
                sheet=table.report.sheet,
            )
        )
    for rule in mapping.columns:
        if rule.name == "account_id":
            found += _duplicates(table, rule.source, kept)
    return found


def _without_key(table: RawTable) -> Finding:
    return Finding(
        level="ask",
        code="missing-label",
        message="no column says which account a row is about",
        file=table.report.file,
        sheet=table.report.sheet,
        action="map one to account_id, account_name or domain; without, every row "
        "counts as an account of its own",
    )


def _duplicates(table: RawTable, source: str, kept: pl.DataFrame) -> list[Finding]:
    again = kept.filter(pl.col("account_id").is_not_null()).filter(
        ~pl.col("account_id").is_first_distinct()
    )
    if not len(again) or _many_per_account(kept):
        return []
    return [
        Finding(
            level="note",
            code="unique-error",
            message=f"{len(again):,} rows repeat an account's id that came before",
            file=table.report.file,
            sheet=table.report.sheet,
            line=int(again[LINE][0]),
            column=source,
            count=len(again),
            action="assembly makes one account of them; check which row is right",
        )
    ]


def _many_per_account(kept: pl.DataFrame) -> bool:
    """Whether rows have ids of their own: deals and invoices repeat their account."""
    return bool({"deal_id", "invoice_id", "ticket_id"}.intersection(kept.columns))
