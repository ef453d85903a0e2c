"""Conditions as SQL, through sqlglot's expression builders."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from icp.conditions.tree import And, Compare, Has, In, Missing, Not, Or
from icp.errors import RuleError

if TYPE_CHECKING:
    from icp.conditions.tree import Condition, Value

_OPERATORS: Final = {
    "=": "EQ",
    "!=": "NEQ",
    "<": "LT",
    "<=": "LTE",
    ">": "GT",
    ">=": "GTE",
}


def to_sql(condition: Condition, /, *, dialect: str = "sqlite") -> str:
    r"""A condition as an expression of a WHERE clause in the dialect.

    Columns hold NULL where nothing is known. Yes/no columns are Boolean (1/0 in
    SQLite); a column of several texts is an array, in SQLite a JSON array as text, as
    dates are texts there. The names are those of sqlglot; an unknown one raises
    RuleError.

    >>> from icp.conditions import parse
    >>> to_sql(parse("industry in ('Retail', 'Law') and not key_account"))
    '"industry" IN (\'Law\', \'Retail\') AND NOT "key_account" = TRUE'
    >>> to_sql(parse("a = 1"), dialect="elvish")
    Traceback (most recent call last):
    ...
    icp.errors.RuleError: no SQL dialect 'elvish'; try 'duckdb', 'postgres' or 'sqlite'
    """
    from sqlglot import Dialect  # costs 0.1 s, wanted only here

    if Dialect.get(dialect) is None:
        message = f"no SQL dialect {dialect!r}; try 'duckdb', 'postgres' or 'sqlite'"
        raise RuleError(message)
    return str(_expression(condition, dialect).sql(dialect=dialect))


def _expression(condition: Condition, dialect: str) -> Any:
    from sqlglot import exp

    match condition:
        case Compare(column, sign, value):
            kind = getattr(exp, _OPERATORS[sign])
            return kind(this=_column(column), expression=_value(value, dialect))
        case In(column, values):
            literals = [_value(value, dialect) for value in values]
            return exp.In(this=_column(column), expressions=literals)
        case Missing(column):
            return exp.Is(this=_column(column), expression=exp.null())
        case Has(column, value):
            return _has(column, value, dialect)
        case And(parts):
            return exp.and_(*(_expression(part, dialect) for part in parts))
        case Or(parts):
            return exp.or_(*(_expression(part, dialect) for part in parts))
        case Not(part):
            return exp.not_(_expression(part, dialect))
    raise RuleError(f"no SQL for {type(condition).__name__}")


def _column(name: str) -> Any:
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True))


def _value(value: Value, dialect: str) -> Any:
    from sqlglot import exp

    if isinstance(value, date) and dialect == "sqlite":
        return exp.Literal.string(value.isoformat())
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _has(column: str, value: str, dialect: str) -> Any:
    from sqlglot import exp

    array: Any = _column(column)
    test: Any
    if dialect == "sqlite":
        inside = exp.select(exp.convert(1)).from_(exp.func("json_each", array))
        test = exp.Exists(this=inside.where(_column("value").eq(value)))
    else:
        contains = exp.ArrayContains(this=array.copy(), expression=exp.convert(value))
        # Some databases say NULL of a list that holds one, others FALSE of no list.
        test = exp.func("coalesce", contains, exp.false())
    return exp.case().when(array.is_(exp.null()).not_(), test)
