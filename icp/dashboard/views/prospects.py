"""Prospects: the scored list, searched, filtered and sorted on the server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
import streamlit as st
import xlsxwriter
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.components import quiet
from icp.dashboard.routes import go
from icp.output import for_people

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.profile import Profile


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Prospects", "Every prospect with its fit and verdict. Select a row to open it."
    )
    space = session.workspace()
    run = space.status().last_run
    if run is None:
        components.empty(
            "No prospects are scored yet",
            "Import a list of prospects and score it with the profile in force.",
            "data",
        )
        return
    scored, profile = session.scored(run.number), session.profile(f"v{run.profile}")
    with st.expander("Distribution of fit", key="spread"):
        cuts = profile.calibration.grade_cuts
        components.chart(charts.fit_distribution(scored, cuts=cuts), key="fits")
    _list(
        matching(scored, _query(profile)),
        run.rows,
        judge=partial(space.verdicts.judge_list, profile=run.profile),
    )


#: An Excel sheet holds 1,048,576 rows; more than this is slow to open.
EXCEL_ROWS: Final = 200_000
GRADES: Final = ("A", "B", "C", "D", "unsure", "cannot be scored")
Order = Literal["fit", "regret", "unknown", "name"]
#: Order -> how it reads; (column, descending) below.
ORDERS: Final[dict[Order, str]] = {
    "fit": "Highest fit first",
    "regret": "Closest to a regrettable segment first",
    "unknown": "Least known first",
    "name": "Name, A to Z",
}
_ORDERS: Final[dict[Order, tuple[str, bool]]] = {
    "fit": ("fit", True),
    "regret": ("distance_regrettable", False),
    "unknown": ("known_fraction", False),
    "name": ("account_name", False),
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a person searches and filters the list by."""

    text: str = ""
    grades: tuple[str, ...] = ()
    segment: str | None = None
    order: Order = "fit"


def _query(profile: Profile) -> Query:
    search, grades, nearest, order = st.columns(4, vertical_alignment="bottom")
    text = search.text_input(
        "Search companies", key="q", bind="query-params", on_change=_first_page
    )
    choice = grades.multiselect(
        "Grades", GRADES, key="grade", bind="query-params", on_change=_first_page
    )
    segment = nearest.selectbox(
        "Nearest best segment",
        [s.name for s in profile.segments if s.kind == "best"],
        index=None,
        placeholder="Any",
        key="segment",
        bind="query-params",
        on_change=_first_page,
    )
    by = order.selectbox(
        "Sort by",
        list(ORDERS),
        format_func=ORDERS.__getitem__,
        key="order",
        bind="query-params",
        on_change=_first_page,
    )
    return Query(text=text or "", grades=tuple(choice), segment=segment, order=by)


def _first_page() -> None:
    """Another list starts on its first page; both places that remember forget."""
    st.session_state.pop("p", None)
    st.query_params.pop("p", None)


def matching(scored: pl.LazyFrame, query: Query, /) -> pl.LazyFrame:
    """The rows that match, sorted, the unique id last so that pages never overlap."""
    column, descending = _ORDERS[query.order]
    return (
        scored.pipe(named)
        .filter(_matches(query))
        .sort(column, "account_id", descending=[descending, False], nulls_last=True)
    )


def named(scored: pl.LazyFrame, /) -> pl.LazyFrame:
    """The list with an `account_name` in every row: the id where there is no name."""
    names = scored.collect_schema().names()
    name = pl.col("account_name") if "account_name" in names else pl.lit(None)
    return scored.with_columns(
        pl.coalesce(name.cast(pl.String), "account_id").alias("account_name")
    )


def _matches(query: Query) -> pl.Expr:
    text = query.text.strip().lower()
    match = pl.any_horizontal(
        pl.col(name).str.to_lowercase().str.contains(text, literal=True)
        for name in ("account_name", "account_id")
    )
    return pl.all_horizontal(
        match if text else pl.lit(value=True),
        _has_grade(query.grades) if query.grades else pl.lit(value=True),
        pl.col("nearest_best").eq(query.segment)
        if query.segment
        else pl.lit(value=True),
    ).fill_null(value=False)


def _has_grade(grades: tuple[str, ...]) -> pl.Expr:
    grade = pl.col("grade").cast(pl.String)
    return (
        grade.is_in([g for g in grades if len(g) == 1]).fill_null(value=False)
        | (grade.str.len_chars().gt(1).fill_null(value=False) & ("unsure" in grades))
        | (grade.is_null() & ("cannot be scored" in grades))
    )


#: Rows on one page.
PAGE: Final = 100
_COLUMN_CONFIG = {
    "account_id": cc.TextColumn("Id", width=80),
    "account_name": cc.TextColumn("Company", width=170),
    "fit": cc.ProgressColumn(
        "Fit", format="%.0f", min_value=0, max_value=100, width=90
    ),
    "grade": cc.TextColumn("Grade", width=70),
    "verdict": cc.TextColumn(
        "Verdict", width=110, help="Includes everything noted about the account so far"
    ),
    "chance": cc.TextColumn(
        "Chance, in %", width=95, help="Chance of best, as a 90% interval"
    ),
    "known": cc.NumberColumn("Known", format="%.0f%%", width=70),
    "nearest_best": cc.TextColumn("Nearest best segment", width=230),
    "nearest_regrettable": cc.TextColumn("Nearest regrettable segment", width=230),
}


def _list(
    matches: pl.LazyFrame,
    total: int,
    /,
    *,
    judge: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> None:
    """Draw the page of the list that the address asks for, with its downloads.

    `judge` adds verdicts to rows: to those of the page, and to all for a download.
    """
    number = count(matches)
    pages = max(1, -(-number // PAGE))
    above = st.container(horizontal=True, vertical_alignment="center")
    slot = st.empty()
    page = min(st.pagination(pages, key="p", bind="query-params"), pages)
    with above:
        st.markdown(quiet(f"{number:,} of {total:,} prospects"))
        _downloads(lambda: judge(matches))
    rows = listing(judge(page_of(matches, page)))
    if rows.is_empty():
        slot.info("No prospects match. Clear the search or a filter.")
        return
    event = slot.dataframe(
        rows,
        hide_index=True,
        column_config=_COLUMN_CONFIG,
        height=min(640, 38 + 35 * len(rows)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"list-{page}-{abs(hash(tuple(rows['account_id'])))}",
        alt=f"Prospects, page {page} of {pages}",
        placeholder="–",
    )
    if event.selection.rows:
        go("prospect", query={"account": rows["account_id"][event.selection.rows[0]]})


def count(matches: pl.LazyFrame, /) -> int:
    """How many rows match."""
    return int(matches.select(pl.len()).collect().item())


def page_of(matches: pl.LazyFrame, page: int, /) -> pl.LazyFrame:
    """The rows of one page, the first being 1."""
    return matches.slice((page - 1) * PAGE, PAGE)


def listing(verdicts: pl.LazyFrame, /) -> pl.DataFrame:
    """The columns a rep reads of rows with verdicts; percentages are 0 to 100."""
    return verdicts.select(
        "account_name",
        "account_id",
        "fit",
        pl.col("grade").fill_null("cannot be scored"),
        pl.col("verdict")
        .str.replace("not_evaluable", "cannot_be_scored")
        .str.replace_all("_", " "),
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


def _downloads(verdicts: Callable[[], pl.LazyFrame]) -> None:
    st.download_button(
        "CSV",
        lambda: as_csv(verdicts()),
        "prospects.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="csv",
    )
    st.download_button(
        "Excel",
        lambda: as_excel(verdicts()),
        "prospects.xlsx",
        on_click="ignore",
        icon=":material/download:",
        key="excel",
    )


_BOM: Final = b"\xef\xbb\xbf"


def as_csv(rows: pl.DataFrame | pl.LazyFrame, /) -> bytes:
    """UTF-8 with a byte-order mark, so that Excel reads it; formulas are disarmed.

    A text that a spreadsheet would compute gets an apostrophe in front. For people,
    not for loading into a CRM.
    """
    return _BOM + rows.lazy().pipe(for_people).collect().write_csv().encode()


def as_excel(rows: pl.DataFrame | pl.LazyFrame, /, *, sheet: str = "icp") -> bytes:
    """A workbook of the first 200,000 rows; texts stay texts."""
    frame = rows.lazy().pipe(_flat).head(EXCEL_ROWS).collect()
    target = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        frame.write_excel(book, worksheet=sheet, freeze_panes=(1, 0), autofit=True)
    return target.getvalue()


def _flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    lists = [n for n, t in rows.collect_schema().items() if isinstance(t, pl.List)]
    return (
        rows.with_columns(
            pl.col(lists).cast(pl.List(pl.String)).list.join("; ", ignore_nulls=True)
        )
        if lists
        else rows
    )


def choices(
    accounts: pl.LazyFrame, text: str, account: str | None, /, *, most: int = 50
) -> dict[str, str]:
    """Id -> label of the first matches by fit, the given account among them."""
    first = accounts.pipe(named).filter(pl.col("account_id") == (account or ""))
    best = matching(accounts, Query(text=text)).head(most)
    columns = ["account_id", "account_name"]
    rows = pl.concat([first.select(columns), best.select(columns)]).collect()
    return {
        code: name if name == code else f"{name} ({code})"
        for code, name in rows.iter_rows()
    }
