"""How several exports become one row per account, as written in `icp.toml`.

```
AssemblyPlan
 ├─ base              the source whose rows are the accounts
 ├─ lookups: Join ... columns fetched into another source before it is used
 ├─ joins: Join ...   columns fetched, or many rows summed up, per account
 │   ├─ on: Key ...   tried in order: id, domain, name
 │   └─ aggregates: Aggregate ...
 └─ derived: Derived ...  columns computed from those that are there by then
```
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from icp.ingest.keys import KeyKind  # noqa: TC001  # pydantic reads it when run
from icp.schema import Kind, Role

__all__ = ["Aggregate", "AssemblyPlan", "Derived", "Join", "Key", "Take"]

Take = Literal[
    "sum",
    "mean",
    "min",
    "max",
    "count",
    "first",
    "last",
    "any",
    "n_unique",
    "share",
    "values",
]

_NEEDS_NOTHING = {"count"}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Key(_Frozen):
    """A pair of columns that hold the same thing on both sides of a join."""

    by: KeyKind = "id"
    #: Column on the account's side; empty means the usual one.
    left: str = ""
    #: Column on the joined source's side; empty means the usual one.
    right: str = ""


class Aggregate(_Frozen):
    """One column per account made of many rows of a source.

    Without any row: `sum`, `count`, `n_unique` are 0 and `any` is no; all others are
    null. Where rows exist but no value is known, `sum` is null too.
    """

    name: str = Field(min_length=1)
    take: Take
    #: SQL expression over the source's columns; `count` may leave it out.
    of: str = ""
    #: SQL condition; only these rows count.
    where: str = ""
    #: Date or number column that puts the rows in order, for `first` and `last`.
    order: str = ""
    role: Role = Role.AFTER_SALE
    kind: Kind | None = None
    label: str = ""
    unit: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.of and self.take not in _NEEDS_NOTHING:
            raise ValueError(f"'{self.take}' needs 'of', a column or an expression")
        return self


class Join(_Frozen):
    """Columns of another source, fetched one to one or summed up per account."""

    source: str
    #: Lookups only: the source that gets the columns.
    into: str = ""
    on: tuple[Key, ...] = (Key(),)
    #: SQL condition; only these rows of the source are used.
    where: str = ""
    #: Columns to fetch; null means all that are not there yet.
    columns: tuple[str, ...] | None = None
    aggregates: tuple[Aggregate, ...] = ()
    #: Fetching only: which known value to keep where a key repeats; null refuses.
    keep: Literal["first", "last"] | None = None
    #: Role of all fetched columns; null keeps those of the source's mapping.
    role: Role | None = None

    @field_validator("on", mode="before")
    @classmethod
    def _short_keys(cls, value: object) -> object:
        if isinstance(value, str):
            return ({"by": value},)
        if not isinstance(value, list | tuple):
            return value
        return tuple({"by": key} if isinstance(key, str) else key for key in value)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not self.on:
            raise ValueError("a join needs at least one key in 'on'")
        if self.aggregates and (self.columns is not None or self.keep):
            raise ValueError("give 'aggregates', or 'columns' and 'keep', not both")
        return self


class Derived(_Frozen):
    """A column computed from the others by an SQL expression."""

    name: str = Field(min_length=1)
    expression: str
    #: Null means the latest-known role among the columns it is made of.
    role: Role | None = None
    #: Null means what the expression gives.
    kind: Kind | None = None
    label: str = ""
    unit: str = ""


class AssemblyPlan(_Frozen):
    """Which sources make an account, and how.

    >>> plan = AssemblyPlan(base="crm", joins=[{"source": "erp", "on": "id"}])
    >>> plan.sources
    ('crm', 'erp')
    >>> plan.joins[0].on[0].by
    'id'
    """

    base: str
    #: Column that identifies an account, or "line" for the line number; empty means
    #: `account_id`, or the only identifier column.
    key: str = ""
    #: Column with the account's name; empty means `account_name`.
    name: str = ""
    #: SQL condition; only these rows of the base are accounts.
    where: str = ""
    #: Which known value to keep, column by column, where an account repeats.
    keep: Literal["first", "last"] = "last"
    #: Date or number column that says which row is last; empty means the file's order.
    order: str = ""
    #: "events" where many rows per account are normal (order lines, for instance).
    rows: Literal["accounts", "events"] = "accounts"
    #: Columns of the base to keep; null means all.
    columns: tuple[str, ...] | None = None
    lookups: tuple[Join, ...] = ()
    joins: tuple[Join, ...] = ()
    derived: tuple[Derived, ...] = ()
    #: Roles that differ from the mapping's, by column of the result.
    roles: dict[str, Role] = {}

    @model_validator(mode="after")
    def _lookups_fetch(self) -> Self:
        for lookup in self.lookups:
            if lookup.aggregates or not lookup.into:
                raise ValueError("a lookup needs 'into' and fetches 'columns' only")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source the plan reads, the base first, each once."""
        joins = (*self.lookups, *self.joins)
        named = (self.base, *(s for j in joins for s in (j.into, j.source) if s))
        return tuple(dict.fromkeys(named))
