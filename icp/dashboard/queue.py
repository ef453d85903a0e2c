"""The list of prospects: which are shown, in which order, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

__all__ = [
    "GRADES",
    "ORDERS",
    "PAGE",
    "Query",
    "choices",
    "count",
    "matching",
    "named",
    "page_of",
    "shown",
]

#: Rows on one page.
PAGE: Final = 100
GRADES: Final = ("A", "B", "C", "D", "unsure", "not evaluable")

Order = Literal["fit", "regret", "unknown", "name"]
#: Order -> how it reads; (column, descending) below.
ORDERS: Final[dict[Order, str]] = {
    "fit": "Highest fit first",
    "regret": "Nearest to a regrettable segment first",
    "unknown": "Least known first",
    "name": "By name",
}
_COLUMNS: Final[dict[Order, tuple[str, bool]]] = {
    "fit": ("fit", True),
    "regret": ("distance_regrettable", False),
    "unknown": ("known_fraction", False),
    "name": ("account_name", False),
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was typed and picked above the list."""

    text: str = ""
    grades: tuple[str, ...] = ()
    segment: str | None = None
    order: Order = "fit"


def named(scored: pl.LazyFrame, /) -> pl.LazyFrame:
    """The list with an `account_name` in every row: the id where there is no name."""
    names = scored.collect_schema().names()
    name = pl.col("account_name") if "account_name" in names else pl.lit(None)
    return scored.with_columns(
        pl.coalesce(name.cast(pl.String), "account_id").alias("account_name")
    )


def matching(scored: pl.LazyFrame, query: Query, /) -> pl.LazyFrame:
    """The rows that match, sorted, the unique id last so that pages never overlap."""
    column, descending = _COLUMNS[query.order]
    return (
        scored.pipe(named)
        .filter(_wanted(query))
        .sort(column, "account_id", descending=[descending, False], nulls_last=True)
    )


def _wanted(query: Query) -> pl.Expr:
    text = query.text.strip().lower()
    found = pl.any_horizontal(
        pl.col(name).str.to_lowercase().str.contains(text, literal=True)
        for name in ("account_name", "account_id")
    )
    return pl.all_horizontal(
        found if text else pl.lit(value=True),
        _graded(query.grades) if query.grades else pl.lit(value=True),
        pl.col("nearest_best").eq(query.segment)
        if query.segment
        else pl.lit(value=True),
    ).fill_null(value=False)


def _graded(grades: tuple[str, ...]) -> pl.Expr:
    grade = pl.col("grade").cast(pl.String)
    return (
        grade.is_in([g for g in grades if len(g) == 1]).fill_null(value=False)
        | (grade.str.len_chars().gt(1).fill_null(value=False) & ("unsure" in grades))
        | (grade.is_null() & ("not evaluable" in grades))
    )


def page_of(matched: pl.LazyFrame, page: int, /) -> pl.LazyFrame:
    """The rows of one page, the first being 1."""
    return matched.slice((page - 1) * PAGE, PAGE)


def shown(judged: pl.LazyFrame, /) -> pl.DataFrame:
    """The columns a rep reads of rows with verdicts; percentages are 0 to 100."""
    return judged.select(
        "account_name",
        "account_id",
        "fit",
        pl.col("grade").fill_null("not evaluable"),
        pl.col("verdict").str.replace_all("_", " "),
        _interval(),
        (100 * pl.col("known_fraction")).alias("known"),
        "nearest_best",
        "nearest_regrettable",
    ).collect()


def _interval() -> pl.Expr:
    low, high = (
        (100 * pl.col(name)).round(0).cast(pl.Int64).cast(pl.String)
        for name in ("p_low", "p_high")
    )
    return (low + "–" + high).alias("chance")


def count(matched: pl.LazyFrame, /) -> int:
    """How many rows match."""
    return int(matched.select(pl.len()).collect().item())


def choices(
    accounts: pl.LazyFrame, text: str, asked: str | None, /, *, most: int = 50
) -> dict[str, str]:
    """Id -> label of the first matches by fit, the account asked for among them."""
    wanted = accounts.pipe(named).filter(pl.col("account_id") == (asked or ""))
    best = matching(accounts, Query(text=text)).head(most)
    columns = ["account_id", "account_name"]
    rows = pl.concat([wanted.select(columns), best.select(columns)]).collect()
    return {
        account: name if name == account else f"{name} ({account})"
        for account, name in rows.iter_rows()
    }
