"""The parts every page is built from: frame, charts, tables, empty states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
import polars.selectors as cs
import streamlit as st
from streamlit import column_config as cc

from icp.charts.figure import visible
from icp.dashboard.routes import Route, link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from icp.charts import Chart
    from icp.ingest.result import Finding
    from icp.profile import ColumnFinding
    from icp.workflow import Workspace


_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
#: Directives and emoji (:name:), addresses (a@b.c, http://) and www. are found by
#: Streamlit after escapes are resolved; a word joiner behind the mark breaks them.
_TRIGGERS = re.compile(r"[:@](?=\S)|www(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"
#: Escapes that a label can do without: marks that mean nothing within a line.
_NEEDLESS = re.compile(r"\\([%(),/'\";?=])|(?<=\w)\\(-)(?=\w)")
_TICKS = re.compile(r"`+")


def escaped(text: str, /) -> str:
    r"""A customer's text for Markdown, shown exactly as it is and never interpreted.

    >>> print(escaped("*Acme* <b>"))
    \*Acme\* \<b\>
    """
    broken = _TRIGGERS.sub(lambda m: m[0] + _JOINER, visible(text))
    return _PUNCTUATION.sub(r"\\\1", broken)


def label(text: str, /) -> str:
    r"""A customer's text as the label of a field; never interpreted.

    Screen readers read a label as it is written, so it holds no needless escapes.

    >>> print(label("Growth (%)"), label("E-Mail *new*"))
    Growth (%) E-Mail \*new\*
    """
    return _NEEDLESS.sub(lambda m: m[1] or m[2], escaped(text))


def code(text: str, /) -> str:
    """A text to be typed as it is, in Markdown, whatever it holds.

    >>> print(code("icp init my_space"))
    `icp init my_space`
    """
    clean = visible(text)
    fence = "`" * (1 + max(map(len, _TICKS.findall(clean)), default=0))
    # Between spaces a tick at either end is no part of the fence.
    return f"{fence} {clean} {fence}" if "`" in clean else f"{fence}{clean}{fence}"


def quiet(text: str, /) -> str:
    """Markdown for secondary text; `text` must be safe already.

    >>> quiet("n = 12")
    ':small[:gray[n = 12]]'
    """
    return f":small[:gray[{text}]]"


def chance(low: float | None, high: float | None, /) -> str:
    """An interval of a probability in whole per cent.

    >>> chance(0.571, 0.712), chance(None, None)
    ('57–71 %', 'not enough closed customers')
    """
    if low is None or high is None:
        return "not enough closed customers"
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def likely(probability: float | None, /) -> str:
    """A probability in whole per cent; never certain, whatever the rounding says.

    >>> likely(0.714), likely(1.0), likely(0.0), likely(None)
    ('71 %', 'over 99 %', 'under 1 %', '–')
    """
    if probability is None:
        return "–"
    whole = round(100 * probability)
    return {0: "under 1 %", 100: "over 99 %"}.get(whole, f"{whole} %")


def amount(money: float, unit: str, /) -> str:
    """Money in whole units of its currency, with a true minus.

    >>> amount(28_033.4, "EUR"), amount(-4_110, "EUR"), amount(-0.2, "")
    ('28,033 EUR', '−4,110 EUR', '0')
    """
    whole = round(money)
    return f"{'−' if whole < 0 else ''}{abs(whole):,} {unit}".rstrip()


def day(moment: date | None, /) -> str:
    """A date as people of every country read it in one way.

    >>> from datetime import datetime
    >>> day(datetime(2026, 3, 9, 14, 5))
    '9 March 2026'
    """
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"


#: Pages are no wider than this, so that lines stay readable on large screens.
WIDTH = 1240
_STILL = {"displayModeBar": False, "scrollZoom": False}
#: Text in charts; the grey that Streamlit gives it is too faint to read.
_INK = {"light": "#35414D", "dark": "#C5D0DA"}
_LEVELS = {
    "stop": ":orange-badge[stops]",
    "ask": ":blue-badge[please check]",
    "note": ":gray-badge[note]",
}
_MOST_FINDINGS = 12


def heading(title: str, lead: str = "") -> None:
    """The page's title and what it is for, in one sentence; both Markdown and safe."""
    st.title(title, anchor=False)
    if lead:
        st.markdown(f":gray[{lead}]")


def section(title: str, lead: str = "") -> None:
    """A title within a page and, where needed, how to read what follows."""
    st.header(title, anchor=False)
    if lead:
        st.markdown(quiet(lead))


def chart(drawing: Chart, /, *, key: str, sentence: bool = True) -> None:
    """A chart under its finding, above its notes and the same numbers as a table."""
    if sentence or drawing.figure is None:
        st.markdown(escaped(drawing.alt))
    if drawing.figure is None:
        return
    text = _INK.get(st.context.theme.type or "light")
    figure = drawing.figure.update_layout(font_color=text)
    figure.update_xaxes(tickfont_color=text, title_font_color=text)
    figure.update_yaxes(tickfont_color=text, title_font_color=text)
    st.plotly_chart(figure, key=key, alt=drawing.alt, config=_STILL)
    for note in drawing.notes:
        st.markdown(quiet(escaped(note)))
    with st.expander("Show as a table", key=f"{key}-twin", type="compact"):
        table(drawing.table, alt=drawing.alt)


def table(
    frame: pl.DataFrame,
    /,
    *,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    height: int | Literal["auto", "content"] = "auto",
) -> None:
    """A table for reading; cells are plain text whatever they hold."""
    st.dataframe(
        frame.with_columns(cs.float().round(4)),
        hide_index=True,
        column_config={**_plainly(frame), **(columns or {})},
        height=height,
        alt=alt,
        placeholder="–",
    )


def _plainly(frame: pl.DataFrame) -> dict[str, Any]:
    """Headers with a capital, whole numbers with thousands apart."""
    return {
        name: cc.NumberColumn(capital(name), format="localized")
        if dtype.is_integer()
        else cc.Column(capital(name))
        for name, dtype in frame.schema.items()
    }


def capital(text: str, /) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def currency(space: Workspace, /) -> str:
    """The currency of the workspace's money; empty where none is said."""
    return space.config.outcome.currency if space.config.outcome else ""


def facts(values: Mapping[str, tuple[str, str]], /) -> None:
    """A row of headline numbers: label -> (value, what it is out of or based on)."""
    for column, (label, (value, basis)) in zip(
        st.columns(len(values), gap="medium"), values.items(), strict=True
    ):
        with column.container(border=True, height="stretch", gap=None):
            st.metric(label, escaped(value))
            st.markdown(quiet(escaped(basis)) if basis else "")


def bullets(lines: Iterable[str], /) -> None:
    """A list of sentences that may hold customers' names."""
    st.markdown("\n".join(f"- {escaped(line)}" for line in lines))


def empty(title: str, todo: str, route: Route | None = None, label: str = "") -> None:
    """Say that there is nothing yet, what to do about it, and where."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.markdown(todo)
        if route is not None:
            link(route, label or None)


def problem(message: str, /) -> None:
    """An error in its own words; they end with the next action."""
    # A file's name is spelt as it is, also where a message begins with it.
    word = message.partition(" ")[0].rstrip(",;:").isalpha()
    st.error(escaped(capital(message) if word else message), icon=":material/error:")


def reading(frame: pl.DataFrame, /, *, alt: str, badges: str = "") -> None:
    """A short table whose texts are long: they wrap rather than end at the border.

    Cells are Markdown here, so every text is escaped; only the column `badges` may
    hold our own Markdown.
    """
    texts = [n for n, t in frame.schema.items() if t == pl.String and n != badges]
    safe = frame.with_columns(
        pl.col(texts).map_elements(escaped, return_dtype=pl.String)
    ).rename({name: capital(name) for name in frame.columns})
    st.table(safe, border="horizontal", hide_index=True, alt=alt)


def findings(items: Sequence[Finding], /, *, key: str) -> None:
    """What a person should know about a source, worst first."""
    if not items:
        st.markdown("Nothing to report.")
        return
    rows = pl.DataFrame(
        {
            "level": [_LEVELS[f.level] for f in items],
            "where": [_place(f) for f in items],
            "finding": [f.message for f in items],
            "what to do": [f.action or "–" for f in items],
        }
    )
    with st.container(key=key):
        alt = f"{len(items)} findings"
        reading(rows.head(_MOST_FINDINGS), alt=alt, badges="level")
        if len(items) > _MOST_FINDINGS:
            with st.expander(f"All {len(items)} findings"):
                table(rows.drop("level"), alt=alt)


def _place(finding: Finding) -> str:
    parts = [finding.file, finding.sheet, finding.column]
    line = [f"line {finding.line:,}"] if finding.line else []
    return ", ".join([*(part for part in parts if part), *line])


def tabs(parts: Mapping[str, Callable[[], None]], /, *, key: str) -> None:
    """Tabs of which only the open one is drawn; the URL says which one that is."""
    for tab, draw in zip(
        st.tabs(list(parts), key=key, bind="query-params"), parts.values(), strict=True
    ):
        if tab.open:
            with tab:
                draw()


def left_out(findings: Iterable[ColumnFinding], /) -> None:
    """Columns kept out of a profile, and columns that look suspicious."""
    rows = [
        {
            "column": finding.column,
            "in the profile": "no" if finding.excluded else "yes",
            "why": reason(finding),
        }
        for finding in findings
    ]
    if not rows:
        st.markdown("Nothing was left out.")
        return
    reading(pl.DataFrame(rows), alt=f"{len(rows)} columns left out or suspicious")


def reason(finding: ColumnFinding, /) -> str:
    """Why a column was left out, without its name in front."""
    return finding.message.removeprefix(f"{finding.column}: ")


def notice(key: str, kind: Literal["success", "error"], message: str) -> None:
    """Keep what came of an action for the next run to show."""
    st.session_state[key] = (kind, message)


def show_notice(key: str) -> None:
    """Show what came of the last action, once."""
    kind, message = st.session_state.pop(key, ("", ""))
    if kind == "error":
        problem(message)
    elif kind:
        st.success(escaped(message), icon=":material/check_circle:")
