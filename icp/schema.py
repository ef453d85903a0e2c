"""What the columns of an account are, and when each is known."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, Self

import polars as pl
from pydantic import Field

from icp.documents import Frozen
from icp.errors import SchemaError
from icp.frames import as_polars
from icp.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from icp.frames import ArrowTable


class Role(StrEnum):
    """When a column's value is known, hence what it may be used for."""

    FIRST_CONTACT = "known_at_first_contact"
    QUALIFICATION = "known_at_qualification"
    AFTER_SALE = "after_sale"
    OUTCOME = "outcome"
    IDENTIFIER = "identifier"
    OWNER = "owner"
    DATE = "date"
    PROTECTED = "protected"
    IGNORED = "ignored"

    @property
    def may_be_learnt(self) -> bool:
        """Whether an attribute of this role may be part of a profile."""
        return self in {Role.FIRST_CONTACT, Role.QUALIFICATION}


#: What the cells of an attribute are: ranges of numbers, levels, or no and yes.
#: Kinds with "none" are no attributes.
CellMeaning = Literal["ranges", "levels", "no and yes", "none"]
_TEXT_TYPE = pl.String()


class Kind(StrEnum):
    """What the values of a column are, and all that follows from it.

    Each kind says its type once parsed, what its cells are and how it is called: in a
    table, as one value and as many. Code asks for a trait, not for a kind.

    >>> [str(kind) for kind in Kind if kind.yes_no], Kind.NUMBER.noun
    (['flag', 'multi'], 'a number')
    """

    _value_: str

    CATEGORY = "category", pl.String(), "levels", ("category", "a text", "categories")
    NUMBER = "number", pl.Float64(), "ranges", ("number", "a number", "numbers")
    FLAG = "flag", pl.Boolean(), "no and yes", ("yes/no", "yes or no", "a yes or no")
    MULTI = (
        *("multi", pl.List(pl.String()), "no and yes"),
        ("one value of a list", "a list of texts", "lists"),
    )
    DATE = "date", pl.Date(), "none", ("date", "a date", "dates")
    TEXT = "text", pl.String(), "none", ("text", "a text", "texts")

    def __new__(cls, value: str, *_: object) -> Self:
        """A member whose value is the text alone."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        return kind

    def __init__(
        self,
        value: str,
        dtype: pl.DataType = _TEXT_TYPE,
        cells: CellMeaning = "none",
        words: tuple[str, str, str] = ("text", "a text", "texts"),
    ) -> None:
        """The traits; `Kind("number")` looks a member up and gives none."""
        #: The Polars type of a parsed column.
        self.dtype = dtype
        self.label, self.noun, self.plural = words
        #: Whether values may be part of a profile.
        self.learnable = cells != "none"
        #: Whether cells are ranges of numbers between edges.
        self.numeric = cells == "ranges"
        #: Whether neighbouring cells are alike.
        self.ordered = cells == "ranges"
        #: Whether values are levels, each known by its text.
        self.has_levels = cells == "levels"
        #: Whether the cells are no and yes.
        self.yes_no = cells == "no and yes"
        #: Whether values are days, which are compared and never learnt.
        self.is_date = dtype.is_temporal()
        #: Whether a column has many values, each an attribute of its own.
        self.per_value = isinstance(dtype, pl.List)

    @classmethod
    def of(cls, dtype: pl.DataType, /) -> Kind:
        """The kind of a column of that type; text is a category."""
        if dtype == pl.Boolean:
            return cls.FLAG
        if dtype.is_numeric():
            return cls.NUMBER
        if isinstance(dtype, pl.Date | pl.Datetime):
            return cls.DATE
        return cls.MULTI if isinstance(dtype, pl.List | pl.Array) else cls.CATEGORY

    def read(self, answer: object, /) -> object:
        """A person's answer as a value of this kind.

        Raises TypeError or ValueError where it is none.

        >>> Kind.FLAG.read("Yes"), Kind.MULTI.read("sap; jira"), Kind.NUMBER.read("7")
        (True, ['sap', 'jira'], 7.0)
        """
        if self.numeric:
            return _finite(answer)
        if self.per_value:
            return _several(answer)
        return _true_or_false(answer) if self.yes_no else str(answer)


def _finite(answer: Any) -> float:
    number = float(answer)
    if not isfinite(number):
        raise ValueError(answer)
    return number


def _true_or_false(answer: object) -> bool:
    if isinstance(answer, bool):
        return answer
    words = {"yes": True, "true": True, "no": False, "false": False}
    if str(answer).strip().lower() not in words:
        raise ValueError(answer)
    return words[str(answer).strip().lower()]


def _several(answer: object) -> list[str]:
    if isinstance(answer, list | tuple):
        return [str(one) for one in answer]
    return [one.strip() for one in str(answer).split(";") if one.strip()]


_DISTINCT_MEANS_TEXT = 0.9
_FEW_ROWS = 20


class Attribute(Frozen):
    """One column of an account."""

    name: str = Field(min_length=1)
    role: Role = Role.FIRST_CONTACT
    kind: Kind = Kind.CATEGORY
    #: How a person calls it; the name itself where empty.
    label: str = ""
    #: Unit of a number, for instance "EUR", "%" or "people"; empty where unknown.
    unit: str = ""
    #: Why this role and kind, in words; empty where a person set them.
    reason: str = ""

    @classmethod
    def identifier(cls, name: str, /) -> Attribute:
        """A column that says which account a row is about."""
        return cls(name=name, role=Role.IDENTIFIER, kind=Kind.TEXT)

    @property
    def title(self) -> str:
        """The label, or the name made readable."""
        return self.label or self.name.replace("_", " ")


class AccountSchema(Frozen):
    """The columns of an accounts frame, in the frame's order.

    >>> frame = pl.DataFrame({"id": ["a", "b"], "size": [3, 40]})
    >>> schema = AccountSchema.infer(frame, roles={"id": "identifier"})
    >>> [(a.name, str(a.role), str(a.kind)) for a in schema.attributes]
    [('id', 'identifier', 'category'), ('size', 'known_at_first_contact', 'number')]
    >>> schema["age"]
    Traceback (most recent call last):
    ...
    icp.errors.SchemaError: no attribute 'age'; it has 2 names: 'id', 'size'
    """

    attributes: tuple[Attribute, ...]

    def __getitem__(self, name: str) -> Attribute:
        """The attribute of that name; raises SchemaError where there is none."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        message = f"no attribute {name!r}; it has {counted(self.names, 'name')}"
        raise SchemaError(message)

    def __contains__(self, name: object) -> bool:
        """Whether an attribute of that name exists."""
        return name in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def learnable(self) -> tuple[Attribute, ...]:
        """The attributes that may be part of a profile (role and kind allow it)."""
        return tuple(
            attribute
            for attribute in self.attributes
            if attribute.role.may_be_learnt and attribute.kind.learnable
        )

    def with_role(self, role: Role) -> tuple[Attribute, ...]:
        """The attributes of one role, in order."""
        return tuple(a for a in self.attributes if a.role == role)

    def replace(self, attributes: Iterable[Attribute], /) -> AccountSchema:
        """The same schema with the given attributes exchanged or appended by name."""
        changes = {attribute.name: attribute for attribute in attributes}
        same = tuple(changes.pop(a.name, a) for a in self.attributes)
        return AccountSchema(attributes=(*same, *changes.values()))

    def without(self, names: Iterable[str], /) -> AccountSchema:
        """The same schema without the attributes of these names."""
        left_out = set(names)
        rest = tuple(a for a in self.attributes if a.name not in left_out)
        return AccountSchema(attributes=rest)

    @classmethod
    def infer(
        cls,
        frame: pl.LazyFrame | ArrowTable,
        /,
        *,
        roles: Mapping[str, str | Role] | None = None,
        kinds: Mapping[str, str | Kind] | None = None,
    ) -> AccountSchema:
        """Propose role and kind of each column from its type and values.

        Reads the frame once. Columns named in `roles` or `kinds` keep what is given.
        A name in neither the frame nor the schema raises SchemaError.
        """
        collected = as_polars(frame).lazy().collect()
        given_roles, given_kinds = dict(roles or {}), dict(kinds or {})
        _refuse_unknown({*given_roles, *given_kinds}, collected.columns)
        if "" in collected.columns:
            raise SchemaError("1 column without a name; rename it")
        return cls(
            attributes=tuple(
                _propose(series, given_roles.get(name), given_kinds.get(name))
                for name, series in zip(
                    collected.columns, collected.get_columns(), strict=True
                )
            )
        )


def match_to_schema(frame: pl.LazyFrame, schema: AccountSchema, /) -> pl.LazyFrame:
    """Select the schema's columns in order, each in its kind's type.

    A missing column raises SchemaError; so does a type that cannot be cast without
    reading text. Integers and floats become Float64, NaN stays NaN.
    """
    present = frame.collect_schema()
    missing = [name for name in schema.names if name not in present]
    if missing:
        message = f"{counted(missing, 'missing column')}; map them or drop them"
        raise SchemaError(message)
    wrong = [
        a.name for a in schema.attributes if not _castable(present[a.name], a.kind)
    ]
    if wrong:
        message = (
            f"{counted(wrong, 'column')} not of the kind in the schema; "
            "import the file with icp.ingest, or cast before"
        )
        raise SchemaError(message)
    return frame.select(pl.col(a.name).cast(a.kind.dtype) for a in schema.attributes)


def _castable(dtype: pl.DataType, kind: Kind) -> bool:
    if dtype == pl.Null or dtype == kind.dtype:
        return True
    if kind.numeric:
        return dtype.is_numeric() or dtype == pl.Boolean
    if kind.dtype == pl.String:
        return isinstance(dtype, pl.Categorical | pl.Enum) or dtype == pl.Boolean
    return kind.is_date and dtype.is_temporal()


def _refuse_unknown(named: set[str], columns: list[str]) -> None:
    unknown = named.difference(columns)
    if unknown:
        message = (
            f"{counted(unknown, 'unknown column')}; "
            f"the frame has {counted(columns, 'column')}"
        )
        raise SchemaError(message)


def _propose(
    series: pl.Series, role: str | Role | None, kind: str | Kind | None
) -> Attribute:
    readable = _holds_values(series.dtype)
    series_kind = Kind(kind) if kind else _kind_of(series) if readable else Kind.TEXT
    if role:
        return Attribute(name=series.name, role=Role(role), kind=series_kind)
    role_proposal, reason = _role_of(series_kind)
    if not readable and not kind:
        reason = f"no attribute has values of type {series.dtype}"
    return Attribute(
        name=series.name, role=role_proposal, kind=series_kind, reason=reason
    )


def _role_of(kind: Kind) -> tuple[Role, str]:
    if kind is Kind.DATE:
        return Role.DATE, "dates are never attributes by default"
    if kind is Kind.TEXT:
        return Role.IGNORED, "nearly every value is different: an id or free text"
    return Role.FIRST_CONTACT, "no role was given"


def _holds_values(dtype: pl.DataType) -> bool:
    """Whether an attribute may have this type: one value, or a list of texts."""
    if isinstance(dtype, pl.List | pl.Array):
        return isinstance(dtype.inner, pl.String | pl.Categorical | pl.Enum | pl.Null)
    return not (dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object))


def _kind_of(series: pl.Series) -> Kind:
    kind = Kind.DATE if series.dtype.is_temporal() else Kind.of(series.dtype)
    if kind is not Kind.CATEGORY:
        return kind
    values = series.drop_nulls()
    distinct = values.n_unique() / max(len(values), 1)
    many = len(values) > _FEW_ROWS and distinct > _DISTINCT_MEANS_TEXT
    return Kind.TEXT if many else kind
