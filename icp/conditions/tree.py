"""The conditions themselves: nodes that print, evaluate and explain themselves."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, get_args

import polars as pl

from icp.errors import RuleError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = str | float | bool | date
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
#: Words of the language; a column of such a name is written in double quotes.
KEYWORDS: Final = frozenset(
    {
        *("and", "or", "not", "in", "is", "has", "missing", "known", "null"),
        *("true", "false", "date"),
    }
)
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DATE_WORDS: Final = {
    "=": "is",
    "!=": "is not",
    "<": "before",
    "<=": "on or before",
    ">": "after",
    ">=": "on or after",
}
_KIND_WORDS = {
    bool: "yes or no",
    float: "a number",
    str: "a text",
    date: "a date",
    list: "a list of texts",
}
_DTYPES: dict[type, pl.DataType] = {
    bool: pl.Boolean(),
    float: pl.Float64(),
    str: pl.String(),
    date: pl.Date(),
}
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE: Final = 1e15
_COMMAS_FROM: Final = 10_000


@dataclass(frozen=True)
class Condition(ABC):
    """Something that is true, false or unknown about an account.

    Conditions are values: equal when they say the same in the same way. `str` gives
    the text that `parse` reads back; `&`, `|` and `~` combine.

    >>> rule = Compare("vendors", ">=", 5) & ~Compare("operations_team", "=", True)
    >>> str(rule)
    'vendors >= 5 and not operations_team'
    >>> rule.words({"vendors": "vendors in play"})
    'vendors in play >= 5 and operations team is no'
    >>> rule.holds({"vendors": 6}), rule.holds({"vendors": 3})
    (None, False)
    >>> rule.holds({"vendors": "six"})
    Traceback (most recent call last):
    ...
    icp.errors.SchemaError: a rule reads 'vendors', which needs a number, not str; \
convert it, or write the rule for what the column holds
    """

    #: How tightly the text binds; a looser part is put in brackets.
    _binding: ClassVar[int] = 3

    @property
    @abstractmethod
    def columns(self) -> frozenset[str]:
        """The columns that are read."""

    @abstractmethod
    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """Boolean per row of a frame with this schema; null where unknown.

        A missing column counts as unknown. Raises SchemaError where a
        column's type cannot be compared with the rule's value.
        """

    @abstractmethod
    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """The same for one row; None where unknown. Raises SchemaError likewise."""

    @abstractmethod
    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """The condition in plain words; `titles` names columns."""

    def covers(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """Boolean per row, never null: unknown counts as not covered."""
        return self.expr(schema).fill_null(value=False)

    def __and__(self, other: Condition) -> And:
        """Both."""
        return And((self, other))

    def __or__(self, other: Condition) -> Or:
        """One of both."""
        return Or((self, other))

    def __invert__(self) -> Not:
        """The opposite; unknown stays unknown."""
        return Not(self)


@dataclass(frozen=True)
class Compare(Condition):
    """A column against one value. Texts and yes/no know only `=` and `!=`."""

    column: str
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        check_text(self.column, "column name")
        object.__setattr__(self, "value", checked(self.value))
        if self.operator not in get_args(Operator):
            message = f"no comparison {self.operator!r}; use one of = != < <= > >="
            raise RuleError(message)
        if isinstance(self.value, str | bool) and self.operator not in {"=", "!="}:
            message = (
                f"{self.column!r} {self.operator} a text or yes/no has no meaning; "
                "use = or !=, or compare with a number or a date"
            )
            raise RuleError(message)

    @property
    def _kind(self) -> type[Value]:
        return kind_of(self.value)

    @property
    def columns(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """The comparison; null where the column is."""
        column = read_column(self.column, self._kind, schema)
        comparison: pl.Expr = _FUNCTIONS[self.operator](column, pl.lit(self.value))
        return comparison

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """The comparison; None where the value is not known."""
        value = read_value(self.column, self._kind, row)
        if value is None:
            return None
        return bool(_FUNCTIONS[self.operator](value, self.value))

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "vendors > 3", "industry is Retail"."""
        sign = {"=": "is", "!=": "is not"}.get(self.operator, self.operator)
        if isinstance(self.value, date):
            sign = _DATE_WORDS[self.operator]
        return f"{title(self.column, titles)} {sign} {value_words(self.value)}"

    def __str__(self) -> str:
        """The text; a yes/no column alone says yes."""
        if self.value is True and self.operator == "=":
            return name_of(self.column)
        return f"{name_of(self.column)} {self.operator} {literal(self.value)}"


@dataclass(frozen=True)
class In(Condition):
    """A column equal to one of several texts, or of several numbers."""

    column: str
    values: tuple[str, ...] | tuple[float, ...]

    def __post_init__(self) -> None:
        check_text(self.column, "column name")
        values = [checked(value) for value in self.values]
        kinds = {kind_of(value) for value in values}
        if kinds not in ({str}, {float}):
            message = f"the list for {self.column!r} must be all texts or all numbers"
            raise RuleError(f"{message}, at least one; correct it")
        object.__setattr__(self, "values", tuple(sorted(set(values))))

    @property
    def _kind(self) -> type[Value]:
        return kind_of(self.values[0])

    @property
    def columns(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """Membership; null where the column is."""
        column = read_column(self.column, self._kind, schema)
        return column.is_in(list(self.values))

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """Membership; None where the value is not known."""
        value = read_value(self.column, self._kind, row)
        return None if value is None else value in self.values

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "industry is Retail or Hospitality"."""
        return f"{title(self.column, titles)} is {list_words(self.values, 'or')}"

    def __str__(self) -> str:
        """The text."""
        values = ", ".join(literal(value) for value in self.values)
        return f"{name_of(self.column)} in ({values})"


@dataclass(frozen=True)
class Missing(Condition):
    """Nothing is known of a column: null, NaN, or no such column."""

    column: str

    def __post_init__(self) -> None:
        check_text(self.column, "column name")

    @property
    def columns(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """True or false, never null."""
        if self.column not in schema:
            return pl.lit(value=True)
        column = pl.col(self.column)
        is_float = schema[self.column].is_float()
        return column.fill_nan(None).is_null() if is_float else column.is_null()

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """True or false, never None."""
        value = row.get(self.column)
        return value is None or value != value

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "budget is not known"."""
        return f"{title(self.column, titles)} is not known"

    def __str__(self) -> str:
        """The text."""
        return f"{name_of(self.column)} is missing"


@dataclass(frozen=True)
class Has(Condition):
    """A column of several texts holds this one."""

    column: str
    value: str

    def __post_init__(self) -> None:
        check_text(self.column, "column name")
        if not isinstance(self.value, str):
            raise RuleError(f"{self.column!r} has: needs a text in 'single quotes'")
        check_text(self.value, "text", empty=True)

    @property
    def columns(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """Membership; null where the list is."""
        return read_texts(self.column, self.value, schema)

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """Membership; None where the list is not known."""
        values = read_values(self.column, row)
        return None if values is None else self.value in values

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "tools includes SAP"."""
        return f"{title(self.column, titles)} includes {self.value}"

    def __str__(self) -> str:
        """The text."""
        return f"{name_of(self.column)} has {literal(self.value)}"


@dataclass(frozen=True)
class _Several(Condition):
    """Two or more conditions joined; parts of the same kind are joined flat."""

    parts: tuple[Condition, ...]

    _word: ClassVar[str]
    _absorbing: ClassVar[bool]

    def __post_init__(self) -> None:
        flat: list[Condition] = []
        for part in self.parts:
            flat += part.parts if isinstance(part, type(self)) else [part]
        if len(flat) < 2:
            raise RuleError(f"{self._word!r} joins two conditions or more; give both")
        object.__setattr__(self, "parts", tuple(flat))

    @property
    def columns(self) -> frozenset[str]:
        """The columns of all parts."""
        return frozenset().union(*(part.columns for part in self.parts))

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """Joined by the three-valued logic."""
        joined = operator.or_ if self._absorbing else operator.and_
        return reduce(joined, (part.expr(schema) for part in self.parts))

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """Joined by the three-valued logic."""
        answers = {part.holds(row) for part in self.parts}
        if self._absorbing in answers:
            return self._absorbing
        return None if None in answers else not self._absorbing

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """The parts, joined; looser ones in brackets."""
        texts = (
            f"({part.words(titles)})"
            if part._binding < self._binding
            else part.words(titles)
            for part in self.parts
        )
        return f" {self._word} ".join(texts)

    def __str__(self) -> str:
        """The text."""
        texts = (_bracketed(part, self._binding) for part in self.parts)
        return f" {self._word} ".join(texts)


@dataclass(frozen=True)
class And(_Several):
    """All parts hold."""

    _binding: ClassVar[int] = 1
    _word: ClassVar[str] = "and"
    _absorbing: ClassVar[bool] = False


@dataclass(frozen=True)
class Or(_Several):
    """At least one part holds."""

    _binding: ClassVar[int] = 0
    _word: ClassVar[str] = "or"
    _absorbing: ClassVar[bool] = True


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold; unknown stays unknown."""

    part: Condition

    _binding: ClassVar[int] = 2

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the part."""
        return self.part.columns

    def expr(self, schema: Mapping[str, pl.DataType], /) -> pl.Expr:
        """The opposite; null stays null."""
        return ~self.part.expr(schema)

    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """The opposite; None stays None."""
        answer = self.part.holds(row)
        return None if answer is None else not answer

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "budget is known", "industry is neither A nor B"."""
        match self.part:
            case Missing(column):
                return f"{title(column, titles)} is known"
            case Has(column, value):
                return f"{title(column, titles)} does not include {value}"
            case In(column, values) if len(values) > 1:
                return f"{title(column, titles)} is neither {list_words(values, 'nor')}"
            case Compare(column, "=", bool()):
                return f"{title(column, titles)} is no"
        return f"not ({self.part.words(titles)})"

    def __str__(self) -> str:
        """The text."""
        return f"not {_bracketed(self.part, self._binding)}"


def _bracketed(part: Condition, binding: int) -> str:
    return f"({part})" if part._binding < binding else str(part)


# How a column is read, by the kind of value that it is compared with; each reader of a
# frame stands beside its twin for one row:
#
# | compared with | frame column               | one row's value       | unknown      |
# | ------------- | -------------------------- | --------------------- | ------------ |
# | a text        | String, Categorical, Enum  | str                   | null         |
# | a number      | any number, Boolean (1/0)  | int, float, bool      | null, NaN    |
# | yes or no     | Boolean, a number (1/0)    | bool, 1, 0            | null, others |
# | a date        | Date, Datetime             | date, datetime        | null         |
# | `has`         | List[String], String (one) | list, tuple, set, str | null         |


def read_column(
    name: str, kind: type[Value], schema: Mapping[str, pl.DataType]
) -> pl.Expr:
    """The column as values of this kind, null where unknown or missing."""
    dtype = schema.get(name, pl.Null())
    column = pl.col(name) if name in schema else pl.lit(None)
    if dtype == pl.Null:
        return column.cast(_DTYPES[kind])
    if kind is str and isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if kind is date and isinstance(dtype, pl.Date | pl.Datetime):
        return column.dt.date()  # the day on its own clock, as a row says it
    if kind is bool and dtype == pl.Boolean:
        return column
    if kind in {float, bool} and (dtype.is_numeric() or dtype == pl.Boolean):
        number = column.cast(pl.Float64).fill_nan(None)
        return number if kind is float else _as_flag(number)
    raise _unreadable(name, kind, dtype)


def _as_flag(number: pl.Expr) -> pl.Expr:
    return pl.when((number == 0) | (number == 1)).then(number == 1)


def read_value(name: str, kind: type[Value], row: Mapping[str, object]) -> Value | None:
    """The row's value as this kind, None where unknown or missing."""
    value = row.get(name)
    if value is None:
        return None
    if kind is str and isinstance(value, str):
        return value
    if kind is date and isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if kind in {float, bool} and not isinstance(value, str | bytes | date):
        number = _number(name, kind, value)
        if number is None or kind is float:
            return number
        return number == 1 if number in {0, 1} else None
    raise _unreadable(name, kind, type(value).__name__)


def _number(name: str, kind: type, value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number raises
    except OverflowError:
        return -inf if value < 0 else inf  # type: ignore[operator]  # a whole number
    except (TypeError, ValueError) as error:
        raise _unreadable(name, kind, type(value).__name__) from error
    return None if isnan(number) else number


def read_texts(name: str, value: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Whether the column of several texts holds this one; null where unknown."""
    dtype = schema.get(name, pl.Null())
    column = pl.col(name) if name in schema else pl.lit(None)
    if dtype == pl.Null:
        return column.cast(pl.Boolean)
    if isinstance(dtype, pl.List | pl.Array) and _is_text(dtype.inner):
        contains = column.cast(pl.List(pl.String)).list.contains(value)
        return pl.when(column.is_not_null()).then(contains.fill_null(value=False))
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return column.cast(pl.String) == value
    raise _unreadable(name, list, dtype)


def _is_text(dtype: object) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)


def read_values(name: str, row: Mapping[str, object]) -> frozenset[object] | None:
    """The row's texts, None where unknown or missing."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return frozenset({value})
    if not isinstance(value, list | tuple | set | frozenset):
        raise _unreadable(name, list, type(value).__name__)
    for item in value:
        if not isinstance(item, str | None):
            raise _unreadable(name, list, f"one of {type(item).__name__}")
    return frozenset(value)


def _unreadable(name: str, kind: type, actual: object) -> SchemaError:
    message = (
        f"a rule reads {name!r}, which needs {_KIND_WORDS[kind]}, not {actual}; "
        "convert it, or write the rule for what the column holds"
    )
    return SchemaError(message)


def checked(value: Value) -> Value:
    """The value as a rule holds it; raises RuleError."""
    if isinstance(value, str):
        check_text(value, "text", empty=True)
        return value
    if isinstance(value, datetime):
        raise RuleError("a rule compares with a day, not with a time; give a date")
    if isinstance(value, bool | date):
        return value
    if not isinstance(value, int | float) or not isfinite(value):
        raise RuleError(
            "a rule compares with a text, a finite number, yes/no or a date"
        )
    return float(value) + 0.0


def check_text(text: str, what: str, *, empty: bool = False) -> None:
    """Refuse what no engine can hold."""
    if not (text or empty) or "\0" in text:
        raise RuleError(f"a rule's {what} is empty or has a zero character; correct it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RuleError(f"a rule's {what} has broken characters; correct it") from error


def kind_of(value: Value) -> type[Value]:
    """The kind by which a column is read for this value."""
    kinds: tuple[type[Value], ...] = (bool, float, str)
    return next((kind for kind in kinds if isinstance(value, kind)), date)


def name_of(column: str) -> str:
    """A column in rule text."""
    if _BARE.fullmatch(column) and column.lower() not in KEYWORDS:
        return column
    return '"' + column.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """A value in rule text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return (
        f"{value:.0f}" if value == int(value) and abs(value) < _WHOLE else repr(value)
    )


def value_words(value: Value) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Years and the like are read without a comma.
        return f"{value:,.12g}" if abs(value) >= _COMMAS_FROM else f"{value:.12g}"
    return value or "(empty)" if isinstance(value, str) else value.isoformat()


def list_words(values: tuple[str, ...] | tuple[float, ...], word: str) -> str:
    """Several values in words."""
    *first, last = (value_words(value) for value in values)
    return f"{', '.join(first)} {word} {last}" if first else last


def title(column: str, titles: Mapping[str, str] | None) -> str:
    """A column's title."""
    return (titles or {}).get(column) or column.replace("_", " ")
