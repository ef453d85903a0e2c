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


# ---- Tables for people to take away: CSV and Excel that run nothing when opened

#: An Excel sheet holds 1,048,576 rows; more than this is slow to open.
EXCEL_ROWS: Final = 200_000
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


# ---- The list of prospects: which are shown, in which order, page by page

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
_ORDERS: Final[dict[Order, tuple[str, bool]]] = {
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
    column, descending = _ORDERS[query.order]
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


# ---- One page of the list of prospects, the pages around it, and its downloads

_COLUMN_CONFIG = {
    "account_id": cc.TextColumn("Id", width=80),
    "account_name": cc.TextColumn("Company", width=170),
    "fit": cc.ProgressColumn(
        "Fit", format="%.0f", min_value=0, max_value=100, width=90
    ),
    "grade": cc.TextColumn("Grade", width=70),
    "verdict": cc.TextColumn(
        "Verdict", width=110, help="With all that is noted about the account so far"
    ),
    "chance": cc.TextColumn("Chance, in %", width=95, help="Chance of best, 90 % sure"),
    "known": cc.NumberColumn("Known", format="%.0f %%", width=70),
    "nearest_best": cc.TextColumn("Nearest best segment", width=230),
    "nearest_regrettable": cc.TextColumn("Nearest regrettable segment", width=230),
}


def draw_list(
    matched: pl.LazyFrame,
    total: int,
    /,
    *,
    judged: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> None:
    """Draw the page of the list that the address asks for, with its downloads.

    `judged` adds verdicts to rows: to those of the page, and to all for a download.
    """
    matches = count(matched)
    pages = max(1, -(-matches // PAGE))
    above = st.container(horizontal=True, vertical_alignment="center")
    slot = st.empty()
    page = min(st.pagination(pages, key="p", bind="query-params"), pages)
    with above:
        st.markdown(quiet(f"{matches:,} of {total:,} prospects"))
        _downloads(lambda: judged(matched))
    rows = shown(judged(page_of(matched, page)))
    if rows.is_empty():
        slot.info("No prospect matches. Clear the search or a filter.")
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


def _downloads(judged: Callable[[], pl.LazyFrame]) -> None:
    st.download_button(
        "CSV",
        lambda: as_csv(judged()),
        "prospects.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="csv",
    )
    st.download_button(
        "Excel",
        lambda: as_excel(judged()),
        "prospects.xlsx",
        on_click="ignore",
        icon=":material/download:",
        key="excel",
    )


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
    with st.expander("How they are spread", key="spread"):
        cuts = profile.calibration.grade_cuts
        components.chart(charts.fit_distribution(scored, cuts=cuts), key="fits")
    matched = matching(scored, _query(profile))
    draw_list(
        matched,
        run.rows,
        judged=partial(space.verdicts.judge_list, profile=run.profile),
    )


def _query(profile: Profile) -> Query:
    search, grades, nearest, order = st.columns(4, vertical_alignment="bottom")
    text = search.text_input(
        "Search a company", key="q", bind="query-params", on_change=_first_page
    )
    picked = grades.multiselect(
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
        "Order",
        list(ORDERS),
        format_func=ORDERS.__getitem__,
        key="order",
        bind="query-params",
        on_change=_first_page,
    )
    return Query(text=text or "", grades=tuple(picked), segment=segment, order=by)


def _first_page() -> None:
    """Another list starts on its first page; both places that remember forget."""
    st.session_state.pop("p", None)
    st.query_params.pop("p", None)
