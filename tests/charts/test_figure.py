from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.charts.figure import drawn, room
from icp.words import plain, signed, visible

HOSTILE = [
    "<b>Acme</b>",
    '<a href="javascript:alert(1)">x</a>',
    "<img src=x onerror=alert(1)>",
    "a & b",
    "\u202egnirts",
    "nul\x00l",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_labels_hold_no_markup_and_no_hidden_marks(text: str) -> None:
    label = plain(text)
    assert "<" not in label
    assert ">" not in label
    assert visible(label) == label


@given(st.text())
def test_labels_are_short_and_never_markup(text: str) -> None:
    label = plain(text, longest=20)
    entities = (
        sum(label.count(e) for e in ("&lt;", "&gt;")) * 3 + label.count("&amp;") * 4
    )
    assert len(label) - entities <= 20
    assert "<" not in label


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_room_holds_zero_and_every_end(ends: list[float]) -> None:
    low, high = room(ends)
    assert low <= min(0.0, *ends)
    assert high >= max(0.0, *ends)
    assert low < high


@pytest.mark.parametrize(
    ("points", "text"), [(0, "0"), (7, "+7"), (-1500, "−1,500"), (12345, "+12,345")]
)
def test_points_carry_their_sign(points: int, text: str) -> None:
    assert signed(points) == text


def test_a_figure_is_the_same_bit_for_bit_and_has_no_background() -> None:
    figures = [drawn([], height=200, xaxis={"title": {"text": "x"}}) for _ in "ab"]
    assert figures[0].to_json() == figures[1].to_json()
    assert figures[0].layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figures[0].layout.height == 200
