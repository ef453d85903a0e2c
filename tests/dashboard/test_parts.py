"""The parts of pages with nothing in them, with one thing, and with hostile texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from icp.charts import Chart
from icp.dashboard import components, outcomes
from icp.dashboard.components import code, escaped, label
from icp.dashboard.views import data, profile, prospect
from icp.errors import MappingError
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.result import Finding
from icp.outcomes import OutcomePolicy, Rule, Thresholds, Worth
from icp.profile import AttributeTable
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = "*Cost* ![](http://evil.test)"


def _shown(draw: Callable[..., object], *given: Any) -> AppTest:
    """A page that draws what the function draws."""
    app = AppTest.from_function(_script, args=(draw, given), default_timeout=30).run()
    assert not app.exception
    return app


def _script(draw: type, given: tuple[object, ...]) -> None:
    # Only the text of this function is run, where nothing of this module is known.
    draw(*given)


def _table(kind: Kind, **given: Any) -> AttributeTable:
    cells = given.pop("cells", ("no", "yes"))
    size = len(cells) + 2
    return AttributeTable(
        name=given.pop("name", "x"),
        column="x",
        kind=kind,
        cells=cells,
        points=(0,) * size,
        pooled=(0,) * size,
        best=(0,) * size,
        regrettable=(0,) * size,
        information=1,
        **given,
    )


NUMBER = _table(
    Kind.NUMBER, title=HOSTILE, unit=":red[€]", edges=(5.0,), cells=("under 5", "more")
)
FLAG = _table(Kind.FLAG, title=HOSTILE)
LEVELS = _table(
    Kind.CATEGORY, title=HOSTILE, levels=(("*a*", 2), ("b", 3)), cells=("*a*", "b")
)


@pytest.mark.parametrize(
    ("table", "widget"),
    [(NUMBER, "number_input"), (FLAG, "selectbox"), (LEVELS, "selectbox")],
)
def test_a_hostile_title_is_no_markdown_in_a_form(
    table: AttributeTable, widget: str
) -> None:
    def draw(table: AttributeTable) -> None:
        prospect._field([table], key="k")

    drawn: Any = _shown(draw, table).get(widget)[0]
    assert drawn.label.startswith(r"\*Cost\* \!\[\](http")
    for mark in ("*", "[", "]", "!"):
        assert drawn.label.count(mark) == drawn.label.count("\\" + mark)
    assert drawn.value is None


@pytest.mark.parametrize(
    ("picked", "given"), [("yes", True), ("no", False), (None, None)]
)
def test_a_flag_is_answered_with_yes_no_or_nothing(
    picked: str | None, given: bool | None
) -> None:
    def draw(table: AttributeTable) -> None:
        streamlit.session_state["given"] = prospect._field([table], key="k")

    app = _shown(draw, FLAG)
    app.selectbox[0].set_value(picked).run()
    assert app.session_state["given"] is given


def test_a_category_offers_its_known_levels_only() -> None:
    def draw(table: AttributeTable) -> None:
        prospect._field([table], key="k")

    assert _shown(draw, LEVELS).selectbox[0].options == ["*a*", "b"]


@given(st.text())
def test_a_label_differs_from_an_escaped_text_in_harmless_marks_only(
    text: str,
) -> None:
    def bare(shown: str) -> str:
        return re.sub(r"\\(.)", r"\1", shown)

    assert bare(label(text)) == bare(escaped(text))
    for mark in "*_[]<>`#$:!~|@&":
        assert label(text).count(mark) == label(text).count("\\" + mark) or "\\" in text


@given(st.text("`a _*\\", max_size=12))
def test_a_code_span_ends_where_its_text_ends(text: str) -> None:
    shown = code(text)
    fence = re.match("`+", shown)
    assert fence is not None
    inner = shown[len(fence[0]) : len(shown) - len(fence[0])]
    assert text in inner
    assert fence[0] not in re.findall("`+", inner)


# ------------------------------------------------------------------------- pieces


def test_many_findings_are_listed_twice_the_rest_on_request() -> None:
    def draw(count: int) -> None:
        found = [
            Finding(level="note", code="x", file="", message=f"m{i}")
            for i in range(count)
        ]
        components.findings(found, key="k")

    few, many = _shown(draw, 12), _shown(draw, 13)
    assert (len(few.table), len(few.dataframe)) == (1, 0)
    assert (len(many.table[0].value), len(many.dataframe[0].value)) == (12, 13)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"file": "a.csv"}, "a.csv"),
        ({"file": "", "column": "x"}, "x"),
        (
            {"file": "a.xlsx", "sheet": "S", "column": "x", "line": 1200},
            "a.xlsx, S, x, line 1,200",
        ),
    ],
)
def test_a_finding_says_where_it_is(place: dict[str, Any], said: str) -> None:
    finding = Finding(level="stop", code="x", message="m", **place)
    app = _shown(lambda: components.findings([finding], key="k"))
    row = app.table[0].value.iloc[0]
    assert list(row) == [":orange-badge[stops]", escaped(said), "m", "–"]


def test_no_finding_is_said() -> None:
    def draw() -> None:
        components.findings([], key="k")

    assert _shown(draw).markdown[0].value == "Nothing to report."


def test_a_table_for_reading_escapes_every_text_but_our_badges() -> None:
    def draw() -> None:
        frame = pl.DataFrame({"level": [":red[x]"], "what": [":red[x]"], "n": [1]})
        components.reading(frame, alt="one", badges="level")
        components.reading(frame.clear(), alt="none")

    full, empty = _shown(draw).table
    assert list(full.value.columns) == ["Level", "What", "N"]
    assert list(full.value.iloc[0])[:2] == [":red[x]", escaped(":red[x]")]
    assert len(empty.value) == 0


@pytest.mark.parametrize(("kind", "place"), [("success", 0), ("error", 1)])
def test_what_was_done_is_said_once(kind: str, place: int) -> None:
    def draw(kind: Any) -> None:
        if "told" not in streamlit.session_state:
            streamlit.session_state["told"] = True
            components.notice("k", kind, "*done*")
        components.show_notice("k")

    app = _shown(draw, kind)
    said = [[m.value for m in app.success], [m.value for m in app.error]]
    assert said.pop(place) == [r"\*done\*"]
    assert said == [[]]
    app.run()
    assert not [*app.success, *app.error]


def test_a_chart_of_nothing_is_a_sentence_without_a_table() -> None:
    def draw() -> None:
        nothing = Chart(figure=None, table=pl.DataFrame(), alt="*None* yet.")
        components.chart(nothing, key="k", sentence=False)

    app = _shown(draw)
    assert [text.value for text in app.markdown] == [r"\*None\* yet\."]
    assert not app.dataframe
    assert not app.get("plotly_chart")


def test_attributes_of_one_title_are_told_apart() -> None:
    tables = [
        _table(Kind.FLAG, title="Status"),
        _table(Kind.FLAG, title="Status", name="status_2"),
        _table(Kind.FLAG, title="Cloud", name="cloud"),
    ]
    names = profile._names(tables)
    assert names == ["Status (x)", "Status (status_2)", "Cloud"]


# ------------------------------------------------------------------------ columns

MAPPING = ColumnMapping(
    source="k",
    columns=tuple(
        ColumnRule(source=s, name=n, role=Role.FIRST_CONTACT, kind=Kind.CATEGORY)
        for s, n in (("Branche", "industry"), ("Land", "country"))
    ),
)


def _called(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "column": ["Branche", "Land"],
            "name": names,
            "role": ["known at first contact"] * 2,
            "kind": ["category"] * 2,
            "date order": [""] * 2,
            "decimal": [""] * 2,
        }
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a", "two words"), "column 'Land' cannot have that name; use letters"),
        (("1st", "b"), "column 'Branche' cannot have that name"),
        (("", "b"), "column 'Branche' cannot have that name"),
        (("a", "a"), "1 repeated name: 'a'; every column needs a name of its own"),
    ],
)
def test_names_that_columns_cannot_have_are_said(
    names: tuple[str, str], said: str
) -> None:
    with pytest.raises(MappingError, match=re.escape(said)):
        data.corrected(MAPPING, _called(*names))


def test_two_columns_may_swap_their_names() -> None:
    swapped = data.corrected(MAPPING, _called("country", "industry"))
    assert [r.name for r in swapped.columns] == ["country", "industry"]


# -------------------------------------------------------------------------- rules


def _moved(when: str, reason: str, value: float) -> Rule:
    policy = OutcomePolicy(rules=(Rule(outcome="best", when=when, reason=reason),))
    (knob,) = outcomes.knobs(policy)
    return outcomes.with_value(policy, knob, value).rules[0]


@pytest.mark.parametrize(
    ("value", "when", "reason"),
    [
        (-5.0, "worth >= -5", "worth -5 or more"),
        (0.00001, "worth >= 0.00001", "worth 0.00001 or more"),
        (5000.0, "worth >= 5000", "worth 5000 or more"),
        (5.5, "worth >= 5.5", "worth 5.5 or more"),
    ],
)
def test_a_moved_number_is_written_so_that_it_is_found_again(
    value: float, when: str, reason: str
) -> None:
    rule = _moved("worth >= 5", "worth 5 or more", value)
    assert (rule.when, rule.reason) == (when, reason)
    policy = OutcomePolicy(rules=(rule,))
    assert [knob.value for knob in outcomes.knobs(policy)] == [value]


@given(st.floats(-1e15, 1e15, allow_subnormal=False))
def test_every_number_may_be_moved_to_and_is_found_again(value: float) -> None:
    rule = _moved("worth >= 5", "large", value)
    (knob,) = outcomes.knobs(OutcomePolicy(rules=(rule,)))
    assert knob.value == value


@pytest.mark.parametrize("share", [0.004, 0.25, 0.995])
def test_a_share_of_any_size_has_a_field(share: float) -> None:
    def draw(policy: OutcomePolicy) -> None:
        streamlit.session_state["moved"] = outcomes._knob_fields(policy)

    policy = OutcomePolicy(
        worth=Worth(value="worth"), thresholds=Thresholds(best_top=share)
    )
    app = _shown(draw, policy)
    assert app.number_input[0].value == pytest.approx(100 * share)
    assert app.session_state["moved"] == policy
