"""The conditions themselves: nodes that print, evaluate and explain themselves."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, get_args

import polars as pl

from icp.conditions.values import (
    Value,
    read_column,
    read_texts,
    read_value,
    read_values,
)
from icp.conditions.writing import (
    check_text,
    checked,
    kind_of,
    listed,
    literal,
    name_of,
    said,
    title,
)
from icp.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "And",
    "Compare",
    "Condition",
    "Has",
    "In",
    "Missing",
    "Not",
    "Operator",
    "Or",
    "Value",
]

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

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

        A column that is not there counts as not known. Raises SchemaError where a
        column's type cannot be compared with the rule's value.
        """

    @abstractmethod
    def holds(self, row: Mapping[str, object], /) -> bool | None:
        """The same for one row; None where unknown. Raises SchemaError likewise."""

    @abstractmethod
    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """The condition as people say it; `titles` names columns."""

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
        compared: pl.Expr = _FUNCTIONS[self.operator](column, pl.lit(self.value))
        return compared

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
        return f"{title(self.column, titles)} {sign} {said(self.value)}"

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
        return f"{title(self.column, titles)} is {listed(self.values, 'or')}"

    def __str__(self) -> str:
        """The text."""
        values = ", ".join(literal(value) for value in self.values)
        return f"{name_of(self.column)} in ({values})"


@dataclass(frozen=True)
class Missing(Condition):
    """Nothing is known of a column: null, NaN, or the column is not there."""

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
        known = schema[self.column].is_float()
        return column.fill_nan(None).is_null() if known else column.is_null()

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
        found = {part.holds(row) for part in self.parts}
        if self._absorbing in found:
            return self._absorbing
        return None if None in found else not self._absorbing

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
        found = self.part.holds(row)
        return None if found is None else not found

    def words(self, titles: Mapping[str, str] | None = None, /) -> str:
        """For instance "budget is known", "industry is neither A nor B"."""
        match self.part:
            case Missing(column):
                return f"{title(column, titles)} is known"
            case Has(column, value):
                return f"{title(column, titles)} does not include {value}"
            case In(column, values) if len(values) > 1:
                return f"{title(column, titles)} is neither {listed(values, 'nor')}"
            case Compare(column, "=", bool()):
                return f"{title(column, titles)} is no"
        return f"not ({self.part.words(titles)})"

    def __str__(self) -> str:
        """The text."""
        return f"not {_bracketed(self.part, self._binding)}"


def _bracketed(part: Condition, binding: int) -> str:
    return f"({part})" if part._binding < binding else str(part)
