"""A source on its way into the accounts: its rows, its columns, what was noticed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.errors import ConfigError, near
from icp.expressions import condition, evaluated
from icp.ingest.keys import KEYS
from icp.ingest.result import LINE
from icp.schema import AccountSchema, Attribute, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.ingest.keys import KeyKind
    from icp.ingest.result import Finding, IngestResult

__all__ = ["ID", "NAME", "Part", "kind_of"]

ID: Final = "account_id"
NAME: Final = "account_name"

_USUAL: Final[dict[KeyKind, tuple[str, ...]]] = {
    "id": (ID,),
    "domain": ("domain", "website", "url", "email"),
    "name": (NAME, "company_name", "company", "name"),
}


def kind_of(dtype: pl.DataType, /) -> Kind:
    """The kind of a computed column of that type."""
    if dtype == pl.Boolean:
        return Kind.FLAG
    if dtype.is_numeric():
        return Kind.NUMBER
    if isinstance(dtype, pl.Date | pl.Datetime):
        return Kind.DATE
    return Kind.MULTI if isinstance(dtype, pl.List) else Kind.CATEGORY


@dataclass(frozen=True, kw_only=True)
class Part:
    """A table under way; every step gives a new one."""

    name: str
    file: str
    #: The schema's columns and `LINE`.
    frame: pl.DataFrame
    schema: AccountSchema
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, name: str, result: IngestResult, frame: pl.DataFrame, /) -> Part:
        """The part of a parsed source whose rows were collected."""
        if LINE not in frame.columns:
            frame = frame.with_row_index(LINE, offset=1)
        return cls(
            name=name, file=result.report.file, frame=frame, schema=result.schema
        )

    def noting(self, *findings: Finding) -> Part:
        """The same part with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def with_frame(self, frame: pl.DataFrame, /) -> Part:
        """The same part with other rows or columns."""
        return replace(self, frame=frame)

    def describing(self, attributes: Iterable[Attribute], /) -> Part:
        """The same part with these columns described."""
        return replace(self, schema=self.schema.replace(attributes))

    def where(self, text: str, /) -> Part:
        """Only the rows for which a condition holds; null means no; "" means all."""
        if not text:
            return self
        what = f"'where' of {self.name!r}"
        wanted = condition(text, what=what, schema=self.frame.schema)
        return self.with_frame(
            self.frame.filter(evaluated(self.frame, wanted, what=what, text=text))
        )

    def role(self, column: str, /) -> Role:
        """The role of a column; a line number identifies."""
        return self.schema[column].role if column in self.schema else Role.IDENTIFIER

    def identifier(self) -> str | None:
        """The column that identifies this source's rows, where only one may."""
        if ID in self.frame.columns:
            return ID
        usual = {name for names in _USUAL.values() for name in names}
        named = [a.name for a in self.schema.with_role(Role.IDENTIFIER)]
        own = [n for n in named if n not in usual and n in self.frame.columns]
        return own[0] if len(own) == 1 else None

    def require(self, column: str, /) -> str:
        """The column's name; raises ConfigError where it is not there."""
        if column in self.frame.columns:
            return column
        known = [name for name in self.frame.columns if name != LINE]
        message = f"{self.name!r} has no column {column!r}; {near(column, known)}"
        raise ConfigError(message)

    def keys(self, wanted: Iterable[tuple[KeyKind, str]], /) -> pl.DataFrame:
        """One text column per wanted (kind, column), named by its position."""
        return self.frame.select(
            KEYS[by](pl.col(self.key_column(by, column))).alias(str(position))
            for position, (by, column) in enumerate(wanted)
        )

    def key_column(self, by: KeyKind, given: str, /) -> str:
        """The column a key is made of: the given one, or the usual one."""
        if given:
            return self.require(given)
        usual = [name for name in _USUAL[by] if name in self.frame.columns]
        own = self.identifier() if by == "id" else None
        if usual or own:
            return usual[0] if usual else str(own)
        message = (
            f"{self.name!r} has no column that is surely its {by}; "
            "name it in 'on', as 'left' (account's side) or 'right' (joined source)"
        )
        raise ConfigError(message)

    def listed(self, columns: Iterable[str], /) -> pl.DataFrame:
        """The line number and some columns of each row, to be shown to a person."""
        shown = [name for name in dict.fromkeys(columns) if name in self.frame.columns]
        return self.frame.select(pl.col(LINE).cast(pl.Int64).alias("line"), *shown)
