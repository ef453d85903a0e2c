"""P17: a rule means the same as text, in Polars, in SQL and for one row."""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.conditions import (
    And,
    Compare,
    Condition,
    Has,
    In,
    Missing,
    Not,
    Or,
    parse,
    to_sql,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 12
_TEXTS = ("Retail", "retail", "O'Hara & Söhne", "", " ", "5", 'a "b"', "%_\\", "—")
_NUMBERS = (0.0, -0.0, 1.0, 2.5, -7.25, 5900000.0, 1e-9, 1e20, 0.1, 1 / 3)
_SCHEMA = {
    "industry": pl.String,
    "Odd name, 'x'": pl.String,
    "employees": pl.Float64,
    "and": pl.Float64,
    "key_account": pl.Boolean,
    "tools": pl.List(pl.String),
    "since": pl.Date,
}
_SQL_TYPES = {
    "industry": "VARCHAR",
    "Odd name, 'x'": "VARCHAR",
    "employees": "DOUBLE",
    "and": "DOUBLE",
    "key_account": "BOOLEAN",
    "tools": "VARCHAR[]",
    "since": "DATE",
}


def agreement(cases: int, /, *, seed: int = 0) -> tuple[int, int, tuple[str, ...]]:
    """Disagreements, answers compared, and the engines beside Polars."""
    draw = random.Random(seed)
    wrong = compared = 0
    names: tuple[str, ...] = ()
    for _ in range(0, cases, 100):
        frame = pl.DataFrame(
            [_row(draw) for _ in range(ROWS)], schema=_SCHEMA, orient="row"
        )
        engines = dict(_engines(frame))
        names = tuple(engines)
        for _ in range(100):
            rule = drawn_rule(draw)
            wanted = frame.select(rule.expr(frame.schema)).to_series().to_list()
            answers = [answer(rule) for answer in engines.values()]
            again = parse(str(rule))
            wrong += again != rule or str(again) != str(rule)
            wrong += sum(answer != wanted for answer in answers)
            compared += ROWS * len(answers)
    return wrong, compared, names


def drawn_rule(draw: random.Random, depth: int = 3) -> Condition:
    """A rule of up to `depth` levels."""
    if depth and draw.random() < 0.6:
        kind = draw.choice((And, Or, Not))
        if kind is Not:
            return Not(drawn_rule(draw, depth - 1))
        count = draw.choice((2, 2, 3))
        return kind(tuple(drawn_rule(draw, depth - 1) for _ in range(count)))
    return draw.choice((_text, _number, _number, _flag, _tool, _day, _missing))(draw)


def _text(draw: random.Random) -> Condition:
    column = draw.choice(("industry", "Odd name, 'x'"))
    if draw.random() < 0.5:
        return In(column, tuple(draw.choices(_TEXTS, k=draw.choice((1, 2, 3)))))
    return Compare(column, draw.choice(("=", "!=")), draw.choice(_TEXTS))


def _number(draw: random.Random) -> Condition:
    column = draw.choice(("employees", "and"))
    if draw.random() < 0.2:
        return In(column, tuple(draw.choices(_NUMBERS, k=2)))
    sign = draw.choice(("=", "!=", "<", "<=", ">", ">="))
    return Compare(column, sign, draw.choice(_NUMBERS))


def _flag(draw: random.Random) -> Condition:
    return Compare("key_account", draw.choice(("=", "!=")), draw.random() < 0.5)


def _tool(draw: random.Random) -> Condition:
    return Has("tools", draw.choice(_TEXTS))


def _day(draw: random.Random) -> Condition:
    sign = draw.choice(("=", "!=", "<", "<=", ">", ">="))
    return Compare("since", sign, _date(draw))


def _missing(draw: random.Random) -> Condition:
    return Missing(draw.choice(tuple(_SCHEMA)))


def _date(draw: random.Random) -> date:
    return date(2024, 1, 1) + timedelta(days=draw.randrange(5))


def _row(draw: random.Random) -> tuple[object, ...]:
    numbers = (*_NUMBERS, float("nan"), float("inf"))
    values = (
        draw.choice(_TEXTS),
        draw.choice(_TEXTS),
        draw.choice(numbers),
        draw.choice(numbers),
        draw.random() < 0.5,
        draw.choices((*_TEXTS, None), k=draw.randrange(4)),
        _date(draw),
    )
    return tuple(None if draw.random() < 0.25 else value for value in values)


def _engines(frame: pl.DataFrame) -> Iterator[tuple[str, Callable[[Condition], list]]]:
    rows = frame.to_dicts()
    yield "one row", lambda rule: [rule.holds(row) for row in rows]
    yield "SQLite", _sqlite(rows)
    try:
        import duckdb
    except ImportError:
        return
    yield "DuckDB", _duckdb(duckdb.connect(), rows)


def _sqlite(rows: list[dict[str, Any]]) -> Callable[[Condition], list]:
    base = sqlite3.connect(":memory:")
    base.execute(f"CREATE TABLE accounts ({_columns(str)})")
    for row in rows:
        base.execute(_insert(row), [_for_sqlite(value) for value in row.values()])

    def answer(rule: Condition) -> list[bool | None]:
        query = f"SELECT {to_sql(rule)} FROM accounts ORDER BY rowid"
        return [None if x is None else bool(x) for (x,) in base.execute(query)]

    return answer


def _for_sqlite(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date) else value


def _duckdb(base: Any, rows: list[dict[str, Any]]) -> Callable[[Condition], list]:
    base.execute("SET threads = 1")
    base.execute(f"CREATE TABLE accounts ({_columns(_SQL_TYPES.get)})")
    for row in rows:
        base.execute(_insert(row), [None if v != v else v for v in row.values()])

    def answer(rule: Condition) -> list[bool | None]:
        written = to_sql(rule, dialect="duckdb")
        query = f"SELECT {written} FROM accounts ORDER BY rowid"
        return [x for (x,) in base.execute(query).fetchall()]

    return answer


def _columns(type_of: Callable[[str], str | None]) -> str:
    untyped = type_of is str
    names = ['"' + name.replace('"', '""') + '"' for name in _SCHEMA]
    types = ["" if untyped else type_of(name) or "" for name in _SCHEMA]
    return ", ".join(f"{n} {t}" for n, t in zip(names, types, strict=True))


def _insert(row: dict[str, Any]) -> str:
    return f"INSERT INTO accounts VALUES ({', '.join('?' * len(row))})"
