"""Values at the edge of what a rule can be asked about, the same for every engine."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf

import polars as pl
import pytest
from sqlglot import parse_one
from sqlglot.expressions import EQ, Literal

from icp.conditions import Compare, Condition, Has, Not, parse, to_sql
from icp.errors import RuleError, SchemaError

TOOLS = [["SAP"], ["AWS", None], [None], [], None]
HELD = [True, False, False, False, None]
#: Texts that some dialect could take for the end of a text.
HOSTILE = ["\\", "\\'", "'; DROP TABLE t; --", '"', "a\nb", "%_", "\u202eab", "日本"]


def on_frame(condition: Condition, frame: pl.DataFrame) -> list[bool | None]:
    return frame.select(condition.expr(frame.schema)).to_series().to_list()


def on_rows(condition: Condition, frame: pl.DataFrame) -> list[bool | None]:
    return [condition.holds(row) for row in frame.iter_rows(named=True)]


@pytest.mark.parametrize(
    ("value", "found"),
    [(-(10**400), False), (10**400, True), (inf, True), (-inf, False)],
)
def test_numbers_beyond_all_floats_keep_their_side(value: float, found: bool) -> None:
    assert parse("x > 1").holds({"x": value}) is found


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima", "UTC"])
def test_a_time_with_a_zone_is_the_day_on_its_own_clock(zone: str) -> None:
    late = pl.Series([datetime(2026, 1, 1, 23, 30, tzinfo=UTC)])
    frame = late.dt.convert_time_zone(zone).alias("x").to_frame()
    own = 2 if zone == "Asia/Tokyo" else 1
    condition = Compare("x", "=", date(2026, 1, own))
    assert on_frame(condition, frame) == on_rows(condition, frame) == [True]


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_a_rule_does_not_compare_with_a_time_of_day(operator: str) -> None:
    with pytest.raises(RuleError, match="with a day, not with a time"):
        Compare("x", operator, datetime(2026, 1, 1, 12))  # type: ignore[arg-type]  # any


@pytest.mark.parametrize("values", [[[5]], [[1.5]], [[True]], [[["a"]]], [[{"a": 1}]]])
def test_a_list_of_other_things_than_texts_is_refused(values: list[object]) -> None:
    frame, condition = pl.DataFrame({"x": values}), Has("x", "5")
    with pytest.raises(SchemaError, match="'x', which needs a list of texts"):
        condition.expr(frame.schema)
    with pytest.raises(SchemaError, match="'x', which needs a list of texts"):
        condition.holds({"x": values[0]})


@pytest.mark.parametrize(
    "dtype",
    [
        pl.List(pl.Categorical),
        pl.List(pl.Enum(["a", "b"])),
        pl.List(pl.Null),
        pl.Array(pl.String, 1),
    ],
)
def test_lists_of_texts_of_every_type_are_read(dtype: pl.DataType) -> None:
    values = [[None]] if dtype == pl.List(pl.Null) else [["a"], ["b"], None]
    frame = pl.DataFrame({"x": values}, schema={"x": dtype})
    wanted = [False] if dtype == pl.List(pl.Null) else [True, False, None]
    assert on_frame(Has("x", "a"), frame) == wanted
    assert on_rows(Has("x", "a"), frame) == wanted


def test_decimals_are_numbers() -> None:
    frame = pl.DataFrame({"x": [Decimal("1.5"), Decimal("0.5"), None]})
    condition = parse("x > 1")
    wanted = [True, False, None]
    assert on_frame(condition, frame) == on_rows(condition, frame) == wanted


@pytest.mark.parametrize("value", [-1, 2, 0.5, inf])
def test_a_number_that_is_neither_0_nor_1_is_no_answer(value: float) -> None:
    frame = pl.DataFrame({"x": [value]}, schema={"x": pl.Float64})
    for condition in (parse("x"), parse("not x"), parse("x = false")):
        assert on_frame(condition, frame) == on_rows(condition, frame) == [None]


def test_no_rows_give_no_answers() -> None:
    frame = pl.DataFrame(schema={"x": pl.Float64, "t": pl.List(pl.String)})
    condition = parse("x > 1 and not t has 'a' or x is missing")
    assert on_frame(condition, frame) == []


# -------------------------------------------------------------------------------- SQL


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "duckdb", "bigquery"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_one_text_in_sql(dialect: str, text: str) -> None:
    written = to_sql(Compare("a", "=", text), dialect=dialect)
    read = parse_one(written, dialect=dialect)
    assert isinstance(read, EQ)
    assert isinstance(read.expression, Literal)
    assert read.expression.this == text


def duckdb(condition: Condition) -> list[bool | None]:
    base = pytest.importorskip("duckdb").connect()
    base.execute("CREATE TABLE t (n INTEGER, tools VARCHAR[])")
    base.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(TOOLS)))
    asked = f"SELECT {to_sql(condition, dialect='duckdb')} FROM t ORDER BY n"
    return [held for (held,) in base.execute(asked).fetchall()]


def sqlite(condition: Condition) -> list[bool | None]:
    import sqlite3

    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE t (n, tools)")
    told = [(n, None if t is None else json.dumps(t)) for n, t in enumerate(TOOLS)]
    base.executemany("INSERT INTO t VALUES (?, ?)", told)
    found = base.execute(f"SELECT {to_sql(condition)} FROM t ORDER BY n").fetchall()
    base.close()
    return [None if held is None else bool(held) for (held,) in found]


OPPOSITE = [None if held is None else not held for held in HELD]


@pytest.mark.parametrize("engine", [duckdb, sqlite])
def test_a_list_that_is_not_known_holds_nothing_for_sure(engine) -> None:
    assert engine(Has("tools", "SAP")) == HELD
    assert engine(Not(Has("tools", "SAP"))) == OPPOSITE


@pytest.mark.postgres
def test_a_list_that_is_not_known_holds_nothing_for_sure_in_postgres(postgres) -> None:
    import sqlalchemy as sa

    base = sa.create_engine(postgres.database())
    has = Has("tools", "SAP")
    asked = ", ".join(to_sql(c, dialect="postgres") for c in (has, Not(has)))
    values = [{"n": n, "tools": tools} for n, tools in enumerate(TOOLS)]
    with base.connect() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE t (n INTEGER, tools TEXT[])"))
        connection.execute(sa.text("INSERT INTO t VALUES (:n, :tools)"), values)
        found = connection.execute(sa.text(f"SELECT {asked} FROM t ORDER BY n")).all()
    base.dispose()
    assert [tuple(row) for row in found] == list(zip(HELD, OPPOSITE, strict=True))


@pytest.mark.parametrize(
    "dialect", ["postgres", "duckdb", "bigquery", "snowflake", "databricks"]
)
def test_every_dialect_leaves_an_unknown_list_unknown(dialect: str) -> None:
    written = to_sql(Has("tools", "SAP"), dialect=dialect)
    assert written.startswith("CASE WHEN NOT ")
    assert "COALESCE(" in written
