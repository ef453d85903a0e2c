"""What a person should know about a column: counts and lines, never values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.facts import currencies
from icp.ingest.result import LINE
from icp.ingest.values import is_numeric_date, is_serial, read_date
from icp.words import agreeing, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
    from icp.ingest.result import Finding, Level, RawTable
    from icp.ingest.values import DateOrder

_TEXT = pl.col("text")
_POINT, _COMMA, _EITHER = pl.col("point"), pl.col("comma"), pl.col("either")
_UNREAD = ~pl.col("missing") & pl.col("value").is_null()
_MOST_LINES = 5
_MUCH = 0.1
_ENOUGH = 10
_JUMP = 300.0
_ODD = 0.9
_LARGE = 100_000
_SIZE = pl.col("size")


def column_findings(
    table: RawTable, rule: ColumnRule, read: pl.DataFrame, /
) -> tuple[Finding, ...]:
    """Findings on one column, from its distinct values.

    `read` holds `text`, `rows`, `line`, `missing` and `value`; for a number also
    `point`, `comma` and `either`, for a category `spelling`.
    """
    remarks = [*_placeholders(read), *_of_kind(rule, read), *_unread(rule, read)]
    return tuple(_finding(table, rule, r) for r in remarks if len(r.rows))


@dataclass(frozen=True, kw_only=True)
class _Remark:
    """`{values}` and `{lines}` in the message stand for what `rows` hold."""

    rows: pl.DataFrame
    code: str
    message: str
    action: str = ""
    level: Level = "note"


def _finding(table: RawTable, rule: ColumnRule, remark: _Remark) -> Finding:
    rows = remark.rows.sort("line")
    count = int(rows["rows"].sum())
    values = plural(count, "value")
    return table.report.finding(
        remark.level,
        remark.code,
        remark.message.format(values=values, lines=_lines(rows)),
        line=rows["line"][0],
        column=rule.source,
        count=count,
        action=remark.action,
    )


def _lines(rows: pl.DataFrame) -> str:
    first = ", ".join(f"{line:,}" for line in rows["line"].head(_MOST_LINES))
    noun = agreeing(len(rows), "line", "lines")
    return f"{noun} {first}{' ...' if len(rows) > _MOST_LINES else ''}"


def _of_kind(rule: ColumnRule, read: pl.DataFrame) -> Iterator[_Remark]:
    if rule.kind.numeric:
        yield from _either_way(rule, read)
        yield from _other_mark(rule, read)
        yield from _mixed_units(read)
    elif rule.kind.is_date:
        yield from _undecided_dates(rule, read)
        yield from _serials(read)
        yield from _far_dates(read)
    elif "spelling" in read.columns:
        yield from _spellings(read)


def _placeholders(read: pl.DataFrame) -> Iterator[_Remark]:
    yield _Remark(
        rows=read.filter("missing"),
        code="missing-cell",
        message="{values} that only say unknown, taken as missing",
        action="if such a word is a value here, add it to keep in the mapping",
    )


def _unread(rule: ColumnRule, read: pl.DataFrame) -> Iterator[_Remark]:
    lost = read.filter(_UNREAD & ~_explained(rule))
    values = int(read.filter(~pl.col("missing"))["rows"].sum())
    much = int(lost["rows"].sum()) > _MUCH * values
    yield _Remark(
        rows=lost,
        code="type-error",
        message=f"{{values}} not understood as {rule.kind.plural}, "
        "left empty ({lines})",
        action="correct the source, or give the column another kind in the mapping",
        level="ask" if much else "note",
    )


def _explained(rule: ColumnRule) -> pl.Expr:
    """Values that were not read, for a reason that another remark gives."""
    if rule.kind.numeric:
        return _POINT.is_not_null() | _COMMA.is_not_null()
    if rule.kind.is_date:
        order = rule.date_order
        undecided = is_numeric_date(_TEXT) if order in (None, "ymd") else _other(order)
        return undecided | is_serial(_TEXT)
    return pl.lit(value=False)


def _either_way(rule: ColumnRule, read: pl.DataFrame) -> Iterator[_Remark]:
    """Values such as 1,234; nothing to ask once a value or a person has decided."""
    either_way = _POINT.is_not_null() & _COMMA.is_not_null() & _EITHER.is_null()
    rows = read.filter(~pl.col("missing") & either_way)
    decisive = read.filter(_POINT.is_null() != _COMMA.is_null())
    if rule.decimal is None:
        yield _Remark(
            rows=rows,
            code="type-error",
            message="{values} such as 1,234 can be read in two ways, left empty "
            "({lines})",
            action="set decimal to '.' or ',' in the mapping of this column",
            level="ask",
        )
    elif not (rule.confirmed or len(decisive) or rule.unit == "people"):
        yield _Remark(
            rows=rows,
            code="type-error",
            message="{values} such as 1,234 can be read in two ways; the decimal mark "
            f"is taken to be {rule.decimal!r}",
            action="confirm the mapping, or set decimal to the other mark",
            level="ask",
        )


def _other_mark(rule: ColumnRule, read: pl.DataFrame) -> Iterator[_Remark]:
    other = _COMMA if rule.decimal == "." else _POINT
    yield _Remark(
        rows=read.filter(_UNREAD & _EITHER.is_not_null() & other.is_not_null()),
        code="type-error",
        message=f"{{values}} do not fit the decimal mark {rule.decimal!r}, left empty "
        "({lines})",
        action="check the decimal mark of this export before you use the column",
        level="ask",
    )


def _mixed_units(read: pl.DataFrame) -> Iterator[_Remark]:
    values = read.filter(~pl.col("missing") & pl.col("value").is_not_null())
    codes = currencies(values)
    percents = values.filter(_TEXT.str.ends_with("%"))
    if len(codes) > 1:
        yield _Remark(
            rows=values,
            code="deviated-value",
            message="amounts in "
            f"{plural(len(codes), 'currency', 'currencies')}: {', '.join(codes)}",
            action="convert them to one currency, or map the column as ignored",
            level="ask",
        )
    if 0 < len(percents) < len(values):
        yield _Remark(
            rows=percents,
            code="deviated-value",
            message="{values} with a % sign beside others without ({lines})",
            action="check that 12% and 0.12 are not mixed",
            level="ask",
        )


def _undecided_dates(rule: ColumnRule, read: pl.DataFrame) -> Iterator[_Remark]:
    order = rule.date_order
    if order in ("dmy", "mdy"):
        yield _Remark(
            rows=read.filter(_UNREAD & _other(order)),
            code="type-error",
            message="{values} only fit the other order of day and month, left empty "
            "({lines})",
            action="check the order in this export: the others may be misread",
            level="ask",
        )
        return
    rows = read.filter(_UNREAD & is_numeric_date(_TEXT))
    day_first, month_first = _read("dmy"), _read("mdy")
    first = int(rows.filter(day_first & ~month_first)["rows"].sum())
    second = int(rows.filter(month_first & ~day_first)["rows"].sum())
    yield _Remark(
        rows=rows,
        code="type-error",
        message="{values} such as 03/04/2025 left empty: the order of day and month is "
        f"not decided ({first:,} can only be day first, {second:,} only month first)",
        action="set date_order to 'dmy' or 'mdy' in the mapping of this column",
        level="ask",
    )


def _serials(read: pl.DataFrame) -> Iterator[_Remark]:
    yield _Remark(
        rows=read.filter(_UNREAD & is_serial(_TEXT)),
        code="type-error",
        message="{values} look like a spreadsheet's day numbers, left empty ({lines})",
        action="confirm the column as a date to read them so",
        level="ask",
    )


def _far_dates(read: pl.DataFrame) -> Iterator[_Remark]:
    year = pl.col("value").dt.year()
    yield _Remark(
        rows=read.filter(~year.is_between(1901, 2100)),
        code="deviated-value",
        message="{values} before 1901 or after 2100 ({lines})",
        action="check whether they mean unknown, or are times rather than dates",
        level="ask",
    )


def _other(order: DateOrder) -> pl.Expr:
    return _read("mdy" if order == "dmy" else "dmy")


def _read(order: DateOrder) -> pl.Expr:
    return read_date(_TEXT, order=order).is_not_null()


def _spellings(read: pl.DataFrame) -> Iterator[_Remark]:
    yield _Remark(
        rows=read.filter(~pl.col("missing") & (pl.col("spelling") != _TEXT)),
        code="deviated-value",
        message="{values} spelled like another except for case or blanks, taken as the "
        "most frequent spelling ({lines})",
    )


def magnitude_findings(
    table: RawTable, mapping: ColumnMapping, typed: pl.DataFrame, /
) -> tuple[Finding, ...]:
    """A finding per number column that seems to mix values and their thousandfold.

    Two patterns count. Values written with decimals are typically hundreds of times
    smaller than those without. Or nothing has decimals, yet nearly every value is above
    100,000 and ends in odd digits, as `2,024.994` does once its point is lost.
    """
    findings = (
        _magnitude_finding(table, rule, typed[rule.name])
        for rule in mapping.columns
        if rule.kind.numeric and rule.source in table.frame.columns
    )
    return tuple(finding for finding in findings if finding)


def _magnitude_finding(
    table: RawTable, rule: ColumnRule, values: pl.Series
) -> Finding | None:
    sizes = _sizes(table, rule, values)
    reason = _mixed(sizes) or _lost(sizes)
    if not reason:
        return None
    return table.report.finding(
        "ask",
        "deviated-value",
        f"its numbers may have lost their decimal mark: {reason}",
        line=sizes[LINE][0],
        column=rule.source,
        count=len(sizes),
        action="compare a few with the source system before learning from them",
    )


def _sizes(table: RawTable, rule: ColumnRule, values: pl.Series) -> pl.DataFrame:
    """`size`, and whether it is written with decimals or in groups of thousands."""
    text = pl.col(rule.source)
    return table.frame.select(
        LINE,
        size=values.abs(),
        decimals=text.str.contains(r"[.,](?:[0-9]{1,2}|[0-9]{4,})\D*$"),
        grouped=text.str.contains(r"[0-9][.,][0-9]{3}\b"),
    ).filter(_SIZE > 0)


def _mixed(sizes: pl.DataFrame) -> str:
    with_decimals, count = pl.col("decimals"), pl.col("decimals").sum()
    some, all_, with_, without = sizes.select(
        some=count,
        all=pl.len(),
        with_=_SIZE.filter(with_decimals).median(),
        without=_SIZE.filter(~with_decimals).median(),
    ).row(0)
    if min(some, all_ - some) < _ENOUGH or without < _JUMP * with_:
        return ""
    return (
        f"those without decimals are typically {without / with_:,.0f} times those with"
    )


def _lost(sizes: pl.DataFrame) -> str:
    grouped, whole, odd, low = sizes.select(
        grouped=pl.col("grouped").mean(),
        whole=(_SIZE.floor() == _SIZE).all(),
        odd=(_SIZE % 10 != 0).mean(),
        low=_SIZE.quantile(0.25),
    ).row(0)
    few = len(sizes) < _ENOUGH
    if few or not whole or min(grouped, odd) < _ODD or low < _LARGE:
        return ""
    return "all are large, none is round and none has decimals"
