"""Bring one source's rows to another's: fetched one to one, or many summed up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.errors import ConfigError, PolicyError, near
from icp.expressions import compiled, condition, evaluated, number
from icp.ingest.plan import KEYS, matched
from icp.ingest.result import LINE, Finding
from icp.schema import AccountSchema, Attribute, Kind, Role
from icp.words import counted, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from icp.ingest.plan import Aggregate, Join, KeyKind
    from icp.ingest.result import IngestResult


# ---- A source on its way into the accounts: its rows, its columns, what was noticed

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


# ---- Many rows per account summed up into columns: sums, counts, firsts, lasts, shares

_NUMERIC: Final = {"sum", "mean"}
_YES_NO: Final = {"any", "share"}
_ZERO: Final = {"sum": 0.0, "count": 0.0, "n_unique": 0.0, "any": False}


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The aggregates per group, and what they are where a group has no row."""

    #: The group, one column per aggregate, and `marker` (rows of the group).
    frame: pl.DataFrame
    marker: str
    #: To be applied after a left join: fills what "no rows" means.
    where_no_rows: tuple[pl.Expr, ...]


def grouped(
    source: Part, aggregates: tuple[Aggregate, ...], by: pl.Series, /
) -> Groups:
    """Sum up the source's rows per value of `by`; rows where it is null are left out.

    Raises PolicyError naming the column and expression that cannot be evaluated.
    """
    marker = "__rows__"
    inputs = [by, *(s for a in aggregates for s in _inputs(source, a))]
    frame = (
        pl.DataFrame(inputs)
        .drop_nulls(by.name)
        .group_by(by.name)
        .agg(*(_summed(a).alias(a.name) for a in aggregates), pl.len().alias(marker))
    )
    nothing = pl.col(marker).is_null()
    fills = (
        pl.when(nothing).then(_ZERO[a.take]).otherwise(a.name).alias(a.name)
        for a in aggregates
        if a.take in _ZERO
    )
    return Groups(frame=frame, marker=marker, where_no_rows=tuple(fills))


def described(
    frame: pl.DataFrame, source: Part, aggregates: tuple[Aggregate, ...], /
) -> list[Attribute]:
    """The aggregates as attributes, each with the reason of how it is made."""
    return [
        Attribute(
            name=a.name,
            role=a.role,
            kind=a.kind or kind_of(frame.schema[a.name]),
            label=a.label,
            unit=a.unit,
            reason=f"{a.take} of {a.of or 'rows'} of {source.name}",
        )
        for a in aggregates
    ]


def _inputs(source: Part, aggregate: Aggregate) -> Iterator[pl.Series]:
    frame, name = source.frame, aggregate.name
    what = f"aggregate {name!r} of {source.name!r}"
    value, wanted = _value(aggregate, what, frame), pl.lit(value=True)
    if aggregate.where:
        wanted = condition(aggregate.where, what=what, schema=frame.schema)
    yield evaluated(frame, value, what=what, text=aggregate.of).alias(f"{name}|value")
    yield evaluated(frame, wanted, what=what, text=aggregate.where).alias(
        f"{name}|when"
    )
    if aggregate.order:
        order = source.require(aggregate.order)
        yield frame[order].alias(f"{name}|order")


def _value(aggregate: Aggregate, what: str, frame: pl.DataFrame) -> pl.Expr:
    text, take = aggregate.of, aggregate.take
    if not text:
        return pl.lit(value=True)
    if take in _NUMERIC:
        return number(text, what=what, schema=frame.schema)
    value, dtype = compiled(text, what=what, schema=frame.schema)
    if take in _YES_NO and dtype != pl.Boolean:
        message = f'{what}: "{text}" is not yes or no; {take!r} needs a condition'
        raise PolicyError(message)
    return value.cast(kind_of(dtype).dtype)


def _summed(aggregate: Aggregate) -> pl.Expr:
    value = pl.col(f"{aggregate.name}|value")
    if aggregate.order:
        order = pl.col(f"{aggregate.name}|order")
        last = aggregate.take != "last"
        value = value.sort_by(order, nulls_last=last, maintain_order=True)
    when = pl.col(f"{aggregate.name}|when")
    if aggregate.order:
        when = when.sort_by(order, nulls_last=last, maintain_order=True)
    rows = value.filter(when)
    known = rows.drop_nulls()
    match aggregate.take:
        case "sum":
            nothing = pl.when(rows.len() == 0).then(0.0)
            return pl.when(known.len() > 0).then(known.sum()).otherwise(nothing)
        case "mean":
            return known.mean()
        case "min":
            return known.min()
        case "max":
            return known.max()
        case "count":
            return known.len().cast(pl.Float64)
        case "first":
            return known.first()
        case "last":
            return known.last()
        case "any":
            return known.any()
        case "n_unique":
            return known.n_unique().cast(pl.Float64)
        case "share":
            return known.cast(pl.Float64).mean()
        case "values":
            return known.unique().sort()


_ROW = "__row__"
_FEW_MATCHES = 0.5
_REPEATED = "repeated-key"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A part after a join, and the rows of either side that found nothing."""

    part: Part
    unmatched: dict[str, pl.DataFrame]


def combined(base: Part, source: Part, join: Join, /) -> Joined:
    """Add the join's columns to `base`, whose rows stay as many as they were.

    Fetched: a repeated identifier in `source` raises ConfigError unless `join.keep`
    says which known value counts; a repeated domain or name fetches nothing.
    Summed up: a row whose key belongs to several accounts counts for none.
    """
    source = source.where(join.where)
    if join.aggregates:
        return _aggregated(base, source, join)
    if join.keep:
        source = _one_per_key(source, join)
    return _fetched(base, source, join)


def _fetched(base: Part, source: Part, join: Join) -> Joined:
    columns = _wanted(base, source, join)
    sought, offered = _keys(base, source, join)
    _refuse_repeats(sought, offered, source, join)
    found = matched(sought, offered)
    rows = source.frame.select(columns).with_row_index(_ROW)
    frame = (
        base.frame.with_columns(found["target"].alias(_ROW))
        .join(rows, on=_ROW, how="left", maintain_order="left")
        .drop(_ROW)
    )
    part = base.with_frame(frame).describing(_inherited(source, columns, join))
    idle = _never_found(found, source)
    lacking = _listing(base, join, left=True).with_columns(found["problem"])
    unmatched = {
        source.name: idle,
        f"{base.name} without {source.name}": _with_problem(lacking),
    }
    findings = (
        *(f for f in source.findings if f.code == _REPEATED),
        *_left_out(base, source, join, columns),
        _counts(base, source, found, matching=base.name, into=source.name),
    )
    return Joined(part=part.noting(*findings), unmatched=unmatched)


def _aggregated(base: Part, source: Part, join: Join) -> Joined:
    offered, seeking = _keys(base, source, join)
    found = matched(seeking, offered)
    groups = grouped(source, join.aggregates, found["target"].alias(_ROW))
    clashes = [a.name for a in join.aggregates if a.name in base.frame.columns]
    if clashes:
        message = f"{counted(clashes, 'column')} of {source.name!r} exist already"
        raise ConfigError(f"{message}; give the aggregate another name")
    frame = (
        base.frame.with_row_index(_ROW)
        .join(groups.frame, on=_ROW, how="left", maintain_order="left")
        .with_columns(groups.where_no_rows)
        .drop(_ROW, groups.marker)
    )
    part = base.with_frame(frame).describing(described(frame, source, join.aggregates))
    lost = _listing(source, join, left=False).with_columns(found["problem"])
    unmatched = {
        source.name: _with_problem(lost),
        f"{base.name} without {source.name}": _never_found(found, base),
    }
    finding = _counts(source, base, found, matching=source.name, into=base.name)
    return Joined(part=part.noting(finding), unmatched=unmatched)


def _keys(base: Part, source: Part, join: Join) -> tuple[pl.DataFrame, pl.DataFrame]:
    left = base.keys((key.by, key.left) for key in join.on)
    return left, source.keys((key.by, key.right) for key in join.on)


def _wanted(base: Part, source: Part, join: Join) -> list[str]:
    if join.columns is None:
        own = {LINE, source.identifier()}
        there = {*base.frame.columns, *own}
        return [name for name in source.frame.columns if name not in there]
    clashes = [name for name in join.columns if name in base.frame.columns]
    if clashes:
        message = f"{counted(clashes, 'column')} of {source.name!r} exist already"
        raise ConfigError(f"{message}; rename them in the source's mapping")
    return [source.require(name) for name in join.columns]


def _inherited(source: Part, columns: list[str], join: Join) -> list[Attribute]:
    role = {} if join.role is None else {"role": join.role}
    return [source.schema[name].model_copy(update=role) for name in columns]


def _left_out(
    base: Part, source: Part, join: Join, columns: list[str]
) -> tuple[Finding, ...]:
    keys = {source.key_column(key.by, key.right) for key in join.on}
    rest = {LINE, source.identifier(), *columns, *keys}
    both = [name for name in source.frame.columns if name not in rest]
    if join.columns is not None or not both:
        return ()
    finding = Finding(
        level="note",
        code="column-left-out",
        message=f"{counted(both, 'column')} left out, as {base.name!r} has them too",
        file=source.file,
        count=len(both),
        action="rename them in the mapping to keep both",
    )
    return (finding,)


def _one_per_key(source: Part, join: Join) -> Part:
    """One row per value of the first key; rows without one stay as they are."""
    by, column = join.on[0].by, join.on[0].right
    key = source.keys([(by, column)]).to_series().alias("__key__")
    known = pl.all().drop_nulls()
    kept = known.first() if join.keep == "first" else known.last()
    frame = source.frame.with_columns(key)
    groups = frame.drop_nulls("__key__").group_by("__key__", maintain_order=True)
    columns = source.frame.columns
    once = groups.agg(kept).select(columns)
    keyless = frame.filter(pl.col("__key__").is_null()).select(columns)
    part = source.with_frame(pl.concat([once, keyless]).sort(LINE))
    merged = len(frame) - len(part.frame)
    return part.noting(_merged(source, merged, join)) if merged else part


def _merged(source: Part, count: int, join: Join) -> Finding:
    return Finding(
        level="note",
        code=_REPEATED,
        message=f"{plural(count, 'row')} of {source.name!r} repeat the key of another; "
        f"the {join.keep} known value of each column was kept",
        file=source.file,
        count=count,
    )


def _refuse_repeats(
    sought: pl.DataFrame, offered: pl.DataFrame, source: Part, join: Join
) -> None:
    for position, key in enumerate(join.on):
        name = str(position)
        repeated = offered.filter(pl.col(name).is_duplicated())
        doubling = repeated.join(sought, on=name, how="semi")[name].n_unique()
        if key.by == "id" and doubling:
            column = source.key_column(key.by, key.right)
            message = (
                f"joining {source.name!r} would repeat accounts: {doubling} values of "
                f"{column!r} are in several rows; sum the rows up with 'aggregates', "
                'or set keep = "last"'
            )
            raise ConfigError(message)


def _never_found(found: pl.DataFrame, part: Part) -> pl.DataFrame:
    rows = pl.Series(range(len(part.frame)), dtype=pl.UInt32)
    hit = rows.is_in(found["target"].drop_nulls().unique().implode())
    names = (
        a.name for a in part.schema.attributes if part.role(a.name) == "identifier"
    )
    return part.listed((ID, NAME, *names)).filter(~hit)


def _listing(part: Part, join: Join, *, left: bool) -> pl.DataFrame:
    keys = (part.key_column(key.by, key.left if left else key.right) for key in join.on)
    return part.listed((ID, *keys) if left else keys)


def _with_problem(listing: pl.DataFrame) -> pl.DataFrame:
    return listing.filter(pl.col("problem").is_not_null())


def _counts(
    seeking: Part, target: Part, found: pl.DataFrame, *, matching: str, into: str
) -> Finding:
    lost = found.filter(pl.col("target").is_null())
    reasons = lost["problem"].value_counts(sort=True).rows()
    why = ", ".join(f"{count} {problem}" for problem, count in sorted(reasons))
    few = len(lost) > _FEW_MATCHES * max(1, len(found))
    idle = len(target.frame) - found["target"].drop_nulls().n_unique()
    hits = f"{len(found) - len(lost):,} of {plural(len(found), 'row')} of {matching!r}"
    never = f"{plural(idle, 'row')} of {into!r} never found"
    return Finding(
        level="ask" if few else "note",
        code="unmatched-rows" if len(lost) else "matched-rows",
        message=f"{hits} found a row of {into!r}{f' ({why})' if why else ''}; {never}",
        file=seeking.file,
        count=len(lost),
        action="check the keys of this join" if few else "",
    )
