from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.dashboard.components import escaped, quiet
from icp.words import chance, day


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Acme", "Acme"),
        ("**Acme**", r"\*\*Acme\*\*"),
        ("[x](http://evil.test)", "\\[x\\]\\(http\\:\u2060\\/\\/evil\\.test\\)"),
        ("<script>", r"\<script\>"),
        (":red[x]", "\\:\u2060red\\[x\\]"),
        ("a@b.test", "a\\@\u2060b\\.test"),
        ("www.evil.test", "www\u2060\\.evil\\.test"),
        ("$x$", r"\$x\$"),
        ("a\u202eb", "ab"),
    ],
)
def test_names_are_never_markdown(name: str, shown: str) -> None:
    assert escaped(name) == shown


@given(st.text())
def test_every_mark_of_markdown_is_escaped(name: str) -> None:
    shown = escaped(name)
    bare = shown.replace("\\\\", "")
    for mark in "*_[]<>`#$:":
        assert bare.count(mark) == bare.count("\\" + mark)


def test_small_words() -> None:
    assert quiet("n = 3") == ":small[:gray[n = 3]]"
    assert chance(0.251, 0.5) == "25–50%"
    assert chance(0.2, None) == "not enough closed customers"
    assert day(datetime(2026, 11, 2, tzinfo=UTC)) == "2 November 2026"
    assert day(None) == ""
