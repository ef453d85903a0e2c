"""From a raw table and its mapping to typed accounts; no row is lost silently."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import MappingError, counted
from icp.ingest.facts import distinct_values
from icp.ingest.findings import column_findings, magnitude_findings
from icp.ingest.mapping_rules import ROW_KEYS
from icp.ingest.propose_mapping import check_mapping
from icp.ingest.result import LINE, QuarantinedRow
from icp.ingest.values import (
    cleaned,
    is_missing,
    number_column,
    read_date,
    read_domain,
    read_flag,
    read_items,
    spelling_key,
    with_numbers,
)
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
    from icp.ingest.result import Finding, Ledger, RawTable, SourceReport
    from icp.schema import AccountSchema

_TEXT = pl.col("text")
_WHOLE_ID = r"^\d+\.0$"
_NO_KEY = "no value in any column that identifies the row"
_REJECTED = {
    "line": pl.Int64,
    "last_line": pl.Int64,
    "raw": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class IngestResult:
    """Typed accounts, rejected rows and why, and how the source was understood."""

    #: Canonical columns in their kinds' types, plus `LINE` as the last column.
    accounts: pl.LazyFrame
    #: `line`, `last_line`, `raw`, `reason`; one row per quarantined row.
    rejected: pl.DataFrame
    report: SourceReport
    mapping: ColumnMapping
    schema: AccountSchema


def parse(table: RawTable, mapping: ColumnMapping, /) -> IngestResult:
    """Read every mapped column of a raw table in its kind's type.

    A value that cannot be read is missing in that column, with a finding that names
    lines; the row stays. A row without any of its mapped keys (`account_id`,
    `account_name`, `domain` ...) goes to `rejected` as it came; from Parquet or a
    database as its cells, separated by tabs. The report's findings include those of
    `check_mapping`. A mapped column that is not in the table is all missing;
    MappingError if every key is.
    """
    _refuse_without_keys(table, mapping)
    read = [read_column(table, rule) for rule in mapping.columns]
    typed = pl.DataFrame([column.values for column in read]).with_columns(
        table.frame[LINE]
    )
    keys = [rule.name for rule in mapping.columns if rule.name in ROW_KEYS]
    accounts, keyless = _split(typed, keys)
    findings = (
        *check_mapping(table, mapping),
        *(finding for column in read for finding in column.findings),
        *magnitude_findings(table, mapping, typed),
        *_key_findings(table, mapping, accounts, keyless),
    )
    report = table.report.with_findings(findings)
    quarantine = _quarantine(table, keyless)
    rows = map(asdict, (*table.quarantined, *quarantine))
    return IngestResult(
        accounts=accounts.lazy(),
        rejected=pl.DataFrame(list(rows), schema=_REJECTED).sort("line"),
        report=replace(report, ledger=_without(report.ledger, table, quarantine)),
        mapping=mapping,
        schema=mapping.schema,
    )


def _refuse_without_keys(table: RawTable, mapping: ColumnMapping) -> None:
    keys = [rule.source for rule in mapping.columns if rule.name in ROW_KEYS]
    if keys and not set(keys).intersection(table.frame.columns):
        message = (
            f"{table.report.file} lacks {counted(keys, 'column')} that "
            "identify its rows; map another column to account_id"
        )
        raise MappingError(message)


@dataclass(frozen=True, kw_only=True)
class ReadColumn:
    """One typed column, aligned with the raw table's rows, and what to know of it."""

    values: pl.Series
    findings: tuple[Finding, ...]


def read_column(table: RawTable, rule: ColumnRule, /) -> ReadColumn:
    """The column of one rule; a column that is not in the table is all missing."""
    if rule.source not in table.frame.columns:
        empty = pl.Series(rule.name, [None] * len(table.frame), dtype=rule.kind.dtype)
        return ReadColumn(values=empty, findings=())
    values = distinct_values(table.frame, rule.source).with_columns(
        missing=is_missing(_TEXT, keep=rule.keep)
    )
    read = _typed(values, rule, serials=_may_hold_serials(table, rule))
    findings = column_findings(table, rule, read)
    return ReadColumn(values=_spread(table, rule, read), findings=findings)


def _may_hold_serials(table: RawTable, rule: ColumnRule) -> bool:
    return table.report.kind == "excel" or rule.confirmed


def _typed(values: pl.DataFrame, rule: ColumnRule, *, serials: bool) -> pl.DataFrame:
    """Add `value`; null where missing or not read."""
    if rule.kind is Kind.NUMBER:
        read = with_numbers(values)
        value = pl.col(number_column(rule.decimal))
    elif rule.kind is Kind.DATE:
        read = values
        value = read_date(_TEXT, order=rule.date_order, serials=serials)
    elif rule.kind is Kind.FLAG:
        read, value = values, read_flag(_TEXT)
    elif rule.kind is Kind.MULTI:
        read, value = values, read_items(_TEXT, separator=rule.separator or ";")
    else:
        read, value = _texts(values, rule)
    value = pl.when(~pl.col("missing")).then(value).cast(rule.kind.dtype)
    return read.with_columns(value=value)


def _texts(values: pl.DataFrame, rule: ColumnRule) -> tuple[pl.DataFrame, pl.Expr]:
    if rule.name == "domain":
        return values, pl.coalesce(read_domain(_TEXT), _TEXT.str.to_lowercase())
    if rule.role is Role.IDENTIFIER and rule.kind is Kind.TEXT:
        ids = values.filter(~pl.col("missing"))["text"]
        whole = len(ids) > 0 and ids.str.contains(_WHOLE_ID).all()
        return values, _TEXT.str.strip_suffix(".0") if whole else _TEXT
    if rule.kind is Kind.TEXT:
        return values, _TEXT
    return _with_one_spelling(values), pl.col("spelling")


def _with_one_spelling(values: pl.DataFrame) -> pl.DataFrame:
    """Add `spelling`: the most frequent of those that differ in case and blanks only.

    The earliest in the file where two are as frequent.
    """
    best = _TEXT.sort_by(["rows", "line"], descending=[True, False]).first()
    return values.with_columns(spelling=best.over(spelling_key(_TEXT)))


def _spread(table: RawTable, rule: ColumnRule, read: pl.DataFrame) -> pl.Series:
    rows = table.frame.select(text=cleaned(pl.col(rule.source)))
    joined = rows.join(read, on="text", how="left", maintain_order="left")
    return joined["value"].rename(rule.name)


def _split(typed: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, list[int]]:
    """The rows with a key, and the positions of those without."""
    if not keys:
        return typed, []
    has_key = typed.select(pl.any_horizontal(pl.col(keys).is_not_null())).to_series()
    return typed.filter(has_key), (~has_key).arg_true().to_list()


def _quarantine(table: RawTable, rows: list[int]) -> list[QuarantinedRow]:
    """The rows at these positions as they came; where there are no lines, as cells."""
    raw = table.frame[rows]
    if table.original:
        return [table.original.row(line, reason=_NO_KEY) for line in raw[LINE]]
    cells = pl.concat_str(pl.exclude(LINE).fill_null(""), separator="\t")
    return [
        QuarantinedRow(line=line, last_line=line, raw=text, reason=_NO_KEY)
        for line, text in raw.select(LINE, cells.alias("raw")).iter_rows()
    ]


def _without(ledger: Ledger, table: RawTable, rows: list[QuarantinedRow]) -> Ledger:
    """The ledger after these rows were quarantined."""
    repairs = table.original.repaired if table.original else frozenset()
    lines = {True: 0, False: 0}
    for row in rows:
        lines[row.line in repairs] += row.last_line - row.line + 1
    return ledger.move_to_quarantine(used=lines[False], repaired=lines[True])


def _key_findings(
    table: RawTable, mapping: ColumnMapping, accounts: pl.DataFrame, keyless: list[int]
) -> Iterator[Finding]:
    report = table.report
    if not any(rule.name in ROW_KEYS for rule in mapping.columns):
        yield report.finding(
            "ask",
            "missing-label",
            "no column identifies the account of a row",
            action="map one to account_id, account_name or domain; without it, every "
            "row counts as an account of its own",
        )
    if keyless:
        yield report.finding(
            "note",
            "missing-cell",
            f"{len(keyless):,} rows have {_NO_KEY}: quarantined",
            line=int(table.frame[LINE][keyless[0]]),
            count=len(keyless),
            action="see the quarantined rows; complete them in the source",
        )
    for rule in mapping.columns:
        if rule.name == "account_id" and not _many_per_account(accounts):
            yield from _duplicates(report, rule.source, accounts)


def _duplicates(
    report: SourceReport, source: str, accounts: pl.DataFrame
) -> Iterator[Finding]:
    repeats = accounts.filter(
        pl.col("account_id").is_not_null() & ~pl.col("account_id").is_first_distinct()
    )
    if len(repeats):
        yield report.finding(
            "note",
            "unique-error",
            f"{len(repeats):,} rows repeat the account id of an earlier row",
            line=int(repeats[LINE][0]),
            column=source,
            count=len(repeats),
            action="assembly makes one account of them; check which row is right",
        )


def _many_per_account(rows: pl.DataFrame) -> bool:
    """Whether rows have ids of their own: deals and invoices repeat their account."""
    return bool({"deal_id", "invoice_id", "ticket_id"}.intersection(rows.columns))
