"""Read one raw column as its rule says: distinct values once, findings by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.dates import is_numeric_date, is_serial, read_date
from icp.ingest.facts import distinct_values
from icp.ingest.numbers import number_column, with_numbers
from icp.ingest.result import Finding
from icp.ingest.values import (
    cleaned,
    is_missing,
    read_domain,
    read_flag,
    read_items,
    spelling_key,
)
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.ingest.result import Level, RawTable
    from icp.ingest.rules import ColumnRule

__all__ = ["ReadColumn", "read_column"]

_TEXT = pl.col("text")
_LINES_NAMED = 5
_WHOLE_ID = r"^\d+\.0$"


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
    notes = _Notes(table, rule)
    findings = (
        *notes.placeholders(read),
        *notes.unread(read),
        *notes.particular(read),
    )
    return ReadColumn(values=_spread(table, rule, read), findings=findings)


def _spread(table: RawTable, rule: ColumnRule, read: pl.DataFrame) -> pl.Series:
    rows = table.frame.select(text=cleaned(pl.col(rule.source)))
    joined = rows.join(read, on="text", how="left", maintain_order="left")
    return joined["value"].rename(rule.name)


def _may_hold_serials(table: RawTable, rule: ColumnRule) -> bool:
    return table.report.kind == "excel" or rule.confirmed


# --- the values -------------------------------------------------------------------


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
    known = pl.when(~pl.col("missing")).then(value).cast(rule.kind.dtype)
    return read.with_columns(value=known)


def _texts(values: pl.DataFrame, rule: ColumnRule) -> tuple[pl.DataFrame, pl.Expr]:
    if rule.name == "domain":
        return values, pl.coalesce(read_domain(_TEXT), _TEXT.str.to_lowercase())
    if rule.role is Role.IDENTIFIER and rule.kind is Kind.TEXT:
        known = values.filter(~pl.col("missing"))
        whole = len(known) > 0 and known["text"].str.contains(_WHOLE_ID).all()
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


# --- what to tell -----------------------------------------------------------------


@dataclass(frozen=True)
class _Notes:
    table: RawTable
    rule: ColumnRule

    def _finding(
        self,
        rows: pl.DataFrame,
        code: str,
        message: str,
        *,
        level: Level = "note",
        action: str = "",
    ) -> tuple[Finding, ...]:
        """One finding about distinct values; none where there are none."""
        if not len(rows):
            return ()
        count = int(rows["rows"].sum())
        found = Finding(
            level=level,
            code=code,
            message=message.format(
                count=f"{count:,}",
                values="1 value" if count == 1 else f"{count:,} values",
                are="is" if count == 1 else "are",
                lines=_lines(rows),
            ),
            file=self.table.report.file,
            sheet=self.table.report.sheet,
            line=int(rows["line"].min()),  # type: ignore[arg-type] # lines are integers
            column=self.rule.source,
            count=count,
            action=action,
        )
        return (found,)

    def placeholders(self, read: pl.DataFrame) -> tuple[Finding, ...]:
        return self._finding(
            read.filter("missing"),
            "missing-cell",
            "{values} only {say} that nothing is known: taken as missing".replace(
                "{say}",
                "says" if int(read.filter("missing")["rows"].sum()) == 1 else "say",
            ),
        )

    def unread(self, read: pl.DataFrame) -> tuple[Finding, ...]:
        lost = read.filter(~pl.col("missing") & pl.col("value").is_null())
        if self.rule.kind is Kind.NUMBER:
            both = pl.col("point").is_not_null() & pl.col("comma").is_not_null()
            open_ = lost.filter(both)
            return (*self._undecided_number(open_), *self._no(lost.filter(~both)))
        if self.rule.kind is Kind.DATE and self.rule.date_order in (None, "ymd"):
            open_ = lost.filter(is_numeric_date(_TEXT))
            serial = lost.filter(is_serial(_TEXT))
            rest = lost.filter(~is_numeric_date(_TEXT) & ~is_serial(_TEXT))
            return (
                *self._undecided_date(open_),
                *self._serials(serial),
                *self._no(rest),
            )
        return self._no(lost)

    def _no(self, lost: pl.DataFrame) -> tuple[Finding, ...]:
        return self._finding(
            lost,
            "type-error",
            f"{{values}} {{are}} no {_NOUN[self.rule.kind]} ({{lines}}): left empty",
            action="correct the source, or map the column as a category",
        )

    def _undecided_number(self, rows: pl.DataFrame) -> tuple[Finding, ...]:
        return self._finding(
            rows,
            "type-error",
            "{values} such as 1,234 can be read in two ways ({lines}): left empty",
            level="ask",
            action="set decimal to '.' or ',' in the mapping of this column",
        )

    def _undecided_date(self, rows: pl.DataFrame) -> tuple[Finding, ...]:
        parts = [_TEXT.str.extract(r"^(\d{1,2})\D+(\d{1,2})\D", i) for i in (1, 2)]
        first, second = (
            int(rows.filter(p.cast(pl.Int64, strict=False) > 12)["rows"].sum())
            for p in parts
        )
        return self._finding(
            rows,
            "type-error",
            "{values} such as 03/04/2025 {are} left empty: the order of day and month "
            f"is not settled ({first:,} can only be day first, {second:,} only month "
            "first)",
            level="ask",
            action="set date_order to 'dmy' or 'mdy' in the mapping of this column",
        )

    def _serials(self, rows: pl.DataFrame) -> tuple[Finding, ...]:
        return self._finding(
            rows,
            "type-error",
            "{values} look like a spreadsheet's day numbers ({lines}): left empty",
            level="ask",
            action="confirm the column as a date to read them so",
        )

    def particular(self, read: pl.DataFrame) -> tuple[Finding, ...]:
        if self.rule.kind is Kind.NUMBER:
            return self._numbers(read)
        if "spelling" in read.columns:
            other = read.filter(~pl.col("missing") & (pl.col("spelling") != _TEXT))
            return self._finding(
                other,
                "deviated-value",
                "{values} differ from another spelling in case or blanks only "
                "({lines}): taken as the most frequent one",
            )
        return ()

    def _numbers(self, read: pl.DataFrame) -> tuple[Finding, ...]:
        either_way = read.filter(
            pl.col("value").is_not_null()
            & pl.col("either").is_null()
            & pl.col("point").is_not_null()
        )
        agreed = self.rule.confirmed or not len(either_way)
        told = read.filter(
            pl.col("either").is_not_null() & (_decided("point", "comma"))
        )
        if agreed or len(told):
            return ()
        return self._finding(
            either_way,
            "type-error",
            "{values} such as 1,234 can be read in two ways; the decimal sign is "
            f"taken to be {self.rule.decimal!r}",
            level="ask",
            action="confirm the mapping, or set decimal to the other sign",
        )


def _decided(one: str, other: str) -> pl.Expr:
    return pl.col(one).is_null() != pl.col(other).is_null()


_NOUN = {
    Kind.NUMBER: "number",
    Kind.DATE: "date",
    Kind.FLAG: "yes or no",
    Kind.MULTI: "list",
    Kind.CATEGORY: "category",
    Kind.TEXT: "text",
}


def _lines(rows: pl.DataFrame) -> str:
    lines = rows["line"].sort().to_list()
    first = ", ".join(f"{line:,}" for line in lines[:_LINES_NAMED])
    noun = "line" if len(lines) == 1 else "lines"
    return f"{noun} {first} ..." if len(lines) > _LINES_NAMED else f"{noun} {first}"
