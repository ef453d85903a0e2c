"""One source's rows brought to another's: fetched one to one, or many summed up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from icp.errors import ConfigError, PolicyError, near
from icp.expressions import compiled, condition, evaluated, number
from icp.ingest.plan import KEYS, match_rows
from icp.ingest.result import LINE, Finding
from icp.schema import AccountSchema, Attribute, Kind, Role
from icp.words import counted, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from icp.ingest.parse import IngestResult
    from icp.ingest.plan import Aggregate, Join, KeyKind


ID: Final = "account_id"
NAME: Final = "account_name"
#: The columns that usually hold each kind of key.
_USUAL: Final[dict[KeyKind, tuple[str, ...]]] = {
    "id": (ID,),
    "domain": ("domain", "website", "url", "email"),
    "name": (NAME, "company_name", "company", "name"),
}
_ROW: Final = "__row__"
_KEY: Final = "__key__"
_FEW_MATCHES: Final = 0.5
_REPEATED_KEY: Final = "repeated-key"


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A source's rows on their way into the accounts; every step gives a new table."""

    name: str
    file: str
    #: The schema's columns and `LINE`.
    frame: pl.DataFrame
    schema: AccountSchema
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, name: str, result: IngestResult, frame: pl.DataFrame, /) -> SourceTable:
        """The table of a parsed source whose rows were collected."""
        if LINE not in frame.columns:
            frame = frame.with_row_index(LINE, offset=1)
        return cls(
            name=name, file=result.report.file, frame=frame, schema=result.schema
        )

    def with_findings(self, *findings: Finding) -> SourceTable:
        """The same table with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def with_frame(self, frame: pl.DataFrame, /) -> SourceTable:
        """The same table with other rows or columns."""
        return replace(self, frame=frame)

    def with_attributes(self, attributes: Iterable[Attribute], /) -> SourceTable:
        """The same table with these columns described."""
        return replace(self, schema=self.schema.replace(attributes))

    def where(self, text: str, /) -> SourceTable:
        """Only the rows for which a condition holds; null means no; "" means all."""
        if not text:
            return self
        subject = f"'where' of {self.name!r}"
        test = condition(text, subject=subject, schema=self.frame.schema)
        rows = evaluated(self.frame, test, subject=subject, text=text)
        return self.with_frame(self.frame.filter(rows))

    def role(self, column: str, /) -> Role:
        """The role of a column; a line number identifies."""
        return self.schema[column].role if column in self.schema else Role.IDENTIFIER

    def identifier(self) -> str | None:
        """The column that identifies this source's rows, if only one can."""
        if ID in self.frame.columns:
            return ID
        usual = {name for names in _USUAL.values() for name in names}
        identifiers = [a.name for a in self.schema.with_role(Role.IDENTIFIER)]
        own = [n for n in identifiers if n not in usual and n in self.frame.columns]
        return own[0] if len(own) == 1 else None

    def require(self, column: str, /) -> str:
        """The column's name; ConfigError if there is no such column."""
        if column in self.frame.columns:
            return column
        columns = [name for name in self.frame.columns if name != LINE]
        message = f"{self.name!r} has no column {column!r}; {near(column, columns)}"
        raise ConfigError(message)

    def keys(self, pairs: Iterable[tuple[KeyKind, str]], /) -> pl.DataFrame:
        """One text column per (kind, column), named by its position."""
        return self.frame.select(
            KEYS[by](pl.col(self.key_column(by, column))).alias(str(position))
            for position, (by, column) in enumerate(pairs)
        )

    def key_column(self, by: KeyKind, column: str, /) -> str:
        """The column a key is made of: this one, or the usual one if empty."""
        if column:
            return self.require(column)
        usual = [name for name in _USUAL[by] if name in self.frame.columns]
        own = self.identifier() if by == "id" else None
        if usual or own:
            return usual[0] if usual else str(own)
        message = (
            f"{self.name!r} has no column that is surely its {by}; "
            "name it in 'on', as 'left' (account's side) or 'right' (joined source)"
        )
        raise ConfigError(message)

    def listing(self, columns: Iterable[str], /) -> pl.DataFrame:
        """The line number and some columns of each row, for a person to read."""
        names = [name for name in dict.fromkeys(columns) if name in self.frame.columns]
        return self.frame.select(pl.col(LINE).cast(pl.Int64).alias("line"), *names)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A table after a join, and the rows of either side without a match."""

    table: SourceTable
    unmatched: dict[str, pl.DataFrame]


def join_tables(base: SourceTable, source: SourceTable, join: Join, /) -> Joined:
    """Add the join's columns to `base`, whose rows stay as many as they were.

    Fetched: a repeated identifier in `source` raises ConfigError unless `join.keep`
    says which known value counts; a repeated domain or name fetches nothing.
    Summed up: a row whose key belongs to several accounts counts for none.
    """
    source = source.where(join.where)
    if join.aggregates:
        return _aggregate(base, source, join)
    if join.keep:
        source = _one_per_key(source, join)
    return _fetch(base, source, join)


def _fetch(base: SourceTable, source: SourceTable, join: Join) -> Joined:
    columns = _columns(base, source, join)
    base_keys, source_keys = _keys(base, source, join)
    _refuse_repeats(base_keys, source_keys, source, join)
    matches = match_rows(base_keys, source_keys)
    rows = source.frame.select(columns).with_row_index(_ROW)
    frame = (
        base.frame.with_columns(matches["target"].alias(_ROW))
        .join(rows, on=_ROW, how="left", maintain_order="left")
        .drop(_ROW)
    )
    role = {} if join.role is None else {"role": join.role}
    attributes = [source.schema[name].model_copy(update=role) for name in columns]
    findings = (
        *(f for f in source.findings if f.code == _REPEATED_KEY),
        *_same_columns(base, source, join, columns),
        _match_finding(base, source, matches, file=base.file),
    )
    unmatched = {
        source.name: _targets_without_match(source, matches),
        f"{base.name} without {source.name}": _problems(base, join, matches),
    }
    table = base.with_frame(frame).with_attributes(attributes)
    return Joined(table=table.with_findings(*findings), unmatched=unmatched)


def _aggregate(base: SourceTable, source: SourceTable, join: Join) -> Joined:
    base_keys, source_keys = _keys(base, source, join)
    matches = match_rows(source_keys, base_keys)
    groups = sum_up(source, join.aggregates, matches["target"].alias(_ROW))
    names = [a.name for a in join.aggregates]
    _refuse_clashes(base, source, names, advice="give the aggregate another name")
    frame = (
        base.frame.with_row_index(_ROW)
        .join(groups.frame, on=_ROW, how="left", maintain_order="left")
        .with_columns(groups.where_no_rows)
        .drop(_ROW, groups.marker)
    )
    table = base.with_frame(frame).with_attributes(
        Attribute(
            name=a.name,
            role=a.role,
            kind=a.kind or Kind.of(frame.schema[a.name]),
            label=a.label,
            unit=a.unit,
            reason=f"{a.take} of {a.of or 'rows'} of {source.name}",
        )
        for a in join.aggregates
    )
    unmatched = {
        source.name: _problems(source, join, matches, left=False),
        f"{base.name} without {source.name}": _targets_without_match(base, matches),
    }
    finding = _match_finding(source, base, matches, file=source.file)
    return Joined(table=table.with_findings(finding), unmatched=unmatched)


def _keys(
    base: SourceTable, source: SourceTable, join: Join
) -> tuple[pl.DataFrame, pl.DataFrame]:
    left = base.keys((key.by, key.left) for key in join.on)
    return left, source.keys((key.by, key.right) for key in join.on)


def _columns(base: SourceTable, source: SourceTable, join: Join) -> list[str]:
    """The columns of the source to fetch."""
    if join.columns is None:
        rest = {*base.frame.columns, LINE, source.identifier()}
        return [name for name in source.frame.columns if name not in rest]
    advice = "rename them in the source's mapping"
    _refuse_clashes(base, source, join.columns, advice=advice)
    return [source.require(name) for name in join.columns]


def _refuse_clashes(
    base: SourceTable, source: SourceTable, names: Iterable[str], *, advice: str
) -> None:
    clashes = [name for name in names if name in base.frame.columns]
    if clashes:
        message = f"{counted(clashes, 'column')} of {source.name!r} exist already"
        raise ConfigError(f"{message}; {advice}")


def _refuse_repeats(
    base_keys: pl.DataFrame, source_keys: pl.DataFrame, source: SourceTable, join: Join
) -> None:
    for position, key in enumerate(join.on):
        name = str(position)
        repeats = source_keys.filter(pl.col(name).is_duplicated())
        doubles = repeats.join(base_keys, on=name, how="semi")[name].n_unique()
        if key.by == "id" and doubles:
            column = source.key_column(key.by, key.right)
            message = (
                f"joining {source.name!r} would repeat accounts: {doubles} values of "
                f"{column!r} are in several rows; sum the rows up with 'aggregates', "
                'or set keep = "last"'
            )
            raise ConfigError(message)


def _same_columns(
    base: SourceTable, source: SourceTable, join: Join, columns: list[str]
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


def _one_per_key(source: SourceTable, join: Join) -> SourceTable:
    """One row per value of the first key; rows without one stay as they are."""
    key = source.keys([(join.on[0].by, join.on[0].right)]).to_series().alias(_KEY)
    frame, columns = source.frame.with_columns(key), source.frame.columns
    groups = frame.drop_nulls(_KEY).group_by(_KEY, maintain_order=True)
    once = groups.agg(pick_known(join.keep)).select(columns)
    keyless = frame.filter(pl.col(_KEY).is_null()).select(columns)
    table = source.with_frame(pl.concat([once, keyless]).sort(LINE))
    repeats = len(frame) - len(table.frame)
    if not repeats:
        return table
    finding = Finding(
        level="note",
        code=_REPEATED_KEY,
        message=f"{plural(repeats, 'row')} of {source.name!r} repeat the key of "
        f"another; the {join.keep} known value of each column was kept",
        file=source.file,
        count=repeats,
    )
    return table.with_findings(finding)


def pick_known(keep: Literal["first", "last"] | None, /) -> pl.Expr:
    """Of each column and group, the first or the last known value."""
    values = pl.all().drop_nulls()
    return values.first() if keep == "first" else values.last()


def _targets_without_match(table: SourceTable, matches: pl.DataFrame) -> pl.DataFrame:
    rows = pl.Series(range(len(table.frame)), dtype=pl.UInt32)
    hit = rows.is_in(matches["target"].drop_nulls().unique().implode())
    names = (a.name for a in table.schema.with_role(Role.IDENTIFIER))
    return table.listing((ID, NAME, *names)).filter(~hit)


def _problems(
    table: SourceTable, join: Join, matches: pl.DataFrame, *, left: bool = True
) -> pl.DataFrame:
    """The rows without a match, their keys, and why."""
    sides = ((key.by, key.left if left else key.right) for key in join.on)
    keys = (table.key_column(by, column) for by, column in sides)
    listing = table.listing((ID, *keys) if left else keys)
    return listing.with_columns(matches["problem"]).filter(
        pl.col("problem").is_not_null()
    )


def _match_finding(
    seeking: SourceTable, target: SourceTable, matches: pl.DataFrame, *, file: str
) -> Finding:
    misses = matches.filter(pl.col("target").is_null())
    reasons = misses["problem"].value_counts(sort=True).rows()
    why = ", ".join(f"{count} {problem}" for problem, count in sorted(reasons))
    few = len(misses) > _FEW_MATCHES * max(1, len(matches))
    idle = len(target.frame) - matches["target"].drop_nulls().n_unique()
    hits = f"{len(matches) - len(misses):,} of {plural(len(matches), 'row')}"
    return Finding(
        level="ask" if few else "note",
        code="unmatched-rows" if len(misses) else "matched-rows",
        message=f"{hits} of {seeking.name!r} match a row of {target.name!r}"
        f"{f' ({why})' if why else ''}; {plural(idle, 'row')} of {target.name!r} "
        "without a match",
        file=file,
        count=len(misses),
        action="check the keys of this join" if few else "",
    )


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The aggregates per group, and what they are where a group has no row."""

    #: The group, one column per aggregate, and `marker` (rows of the group).
    frame: pl.DataFrame
    marker: str
    #: To be applied after a left join: fills what "no rows" means.
    where_no_rows: tuple[pl.Expr, ...]


_NUMERIC: Final = {"sum", "mean"}
_YES_NO: Final = {"any", "share"}
_ZERO: Final = {"sum": 0.0, "count": 0.0, "n_unique": 0.0, "any": False}


def sum_up(
    source: SourceTable, aggregates: tuple[Aggregate, ...], by: pl.Series, /
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
        .agg(*(_sum(a).alias(a.name) for a in aggregates), pl.len().alias(marker))
    )
    nothing = pl.col(marker).is_null()
    fills = (
        pl.when(nothing).then(_ZERO[a.take]).otherwise(a.name).alias(a.name)
        for a in aggregates
        if a.take in _ZERO
    )
    return Groups(frame=frame, marker=marker, where_no_rows=tuple(fills))


def _inputs(source: SourceTable, aggregate: Aggregate) -> Iterator[pl.Series]:
    frame, name = source.frame, aggregate.name
    subject = f"aggregate {name!r} of {source.name!r}"
    value, test = _value(aggregate, subject, frame), pl.lit(value=True)
    if aggregate.where:
        test = condition(aggregate.where, subject=subject, schema=frame.schema)
    texts = {"value": (value, aggregate.of), "when": (test, aggregate.where)}
    for ending, (expression, text) in texts.items():
        series = evaluated(frame, expression, subject=subject, text=text)
        yield series.alias(f"{name}|{ending}")
    if aggregate.order:
        yield frame[source.require(aggregate.order)].alias(f"{name}|order")


def _value(aggregate: Aggregate, subject: str, frame: pl.DataFrame) -> pl.Expr:
    text, take = aggregate.of, aggregate.take
    if not text:
        return pl.lit(value=True)
    if take in _NUMERIC:
        return number(text, subject=subject, schema=frame.schema)
    value, dtype = compiled(text, subject=subject, schema=frame.schema)
    if take in _YES_NO and dtype != pl.Boolean:
        message = f'{subject}: "{text}" is not yes or no; {take!r} needs a condition'
        raise PolicyError(message)
    return value.cast(Kind.of(dtype).dtype)


def _sum(aggregate: Aggregate) -> pl.Expr:
    value, when = (pl.col(f"{aggregate.name}|{part}") for part in ("value", "when"))
    if aggregate.order:
        order = pl.col(f"{aggregate.name}|order")
        last = aggregate.take != "last"
        value, when = (
            column.sort_by(order, nulls_last=last, maintain_order=True)
            for column in (value, when)
        )
    rows = value.filter(when)
    values = rows.drop_nulls()
    match aggregate.take:
        case "sum":
            nothing = pl.when(rows.len() == 0).then(0.0)
            return pl.when(values.len() > 0).then(values.sum()).otherwise(nothing)
        case "count":
            return values.len().cast(pl.Float64)
        case "n_unique":
            return values.n_unique().cast(pl.Float64)
        case "share":
            return values.cast(pl.Float64).mean()
        case "values":
            return values.unique().sort()
        case "mean" | "min" | "max" | "first" | "last" | "any" as take:
            simple: pl.Expr = getattr(values, take)()
            return simple
