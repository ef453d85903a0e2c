from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


@pytest.fixture
def copy(learnt: Path, tmp_path: Path) -> Path:
    return shutil.copytree(learnt, tmp_path / "copy")


@pytest.fixture
def good(copy: Path) -> str:
    """The prospect that fits best of those about whom nothing speaks against it."""
    with open_workspace(copy) as space:
        return str(space.waiting(1)["account_id"][0])


def _said(app: AppTest) -> str:
    texts = [*app.markdown, *app.subheader, *app.success, *app.info, *app.code]
    return "\n".join(str(text.value) for text in texts)


def _button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def _note(folder: Path, account: str, code: str, *, holds: bool) -> None:
    with open_workspace(folder) as space:
        space.note_answer(account, f"reason:{code}", holds, evidence="by phone")


def test_a_good_prospect_is_to_be_pursued(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    app = page(copy, "prospect", account=good)
    assert not app.exception
    said = _said(app)
    assert ":green-badge[Pursue]" in said
    assert "Go on; there is nothing to leave." in said
    labels = [metric.label for metric in app.metric]
    assert labels[:3] == ["Pursuing is worth", "Chance of best", "Spend at most"]


def test_the_answer_to_the_next_question_is_noted(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        fits = space.scored().filter(pl.col("fit").is_between(30, 75)).collect()
        judged = [space.judge(account) for account in fits["account_id"].head(20)]
    asked, good = next(
        (j.verdict.question, j.account_id)
        for j in judged
        if j.verdict.question and j.verdict.question.kind == "reason"
    )
    app = page(copy, "prospect", account=good)
    app.radio(key="advice-yes").set_value("Yes")
    app.text_input(key="advice-evidence").set_value("by phone")
    _button(app, "Note the answer").click().run()
    assert not app.exception
    assert "The answer is noted" in _said(app)
    with open_workspace(copy) as space:
        code = asked.code.partition(":")[2]
        assert space.judge(good).signals[code].evidence == "by phone"


def test_an_exit_is_said_logged_and_taken_back(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_budget", holds=True)
    app = page(copy, "prospect", account=good)
    said = _said(app)
    assert ":orange-badge[Not now]" in said
    assert "When is your next budget made?" in said
    app.text_input(key="advice-promised").set_value("a call")
    _button(app, "Log this exit").click().run()
    assert not app.exception
    assert "The exit is logged" in _said(app)
    assert "wakes when" in _said(app)
    with open_workspace(copy) as space:
        (kept,) = space.exits()
    assert (kept.exit.account_id, kept.exit.promised) == (good, "a call")
    _button(app, "Take it up again").click().run()
    with open_workspace(copy) as space:
        assert space.exits() == []


def test_a_step_that_did_not_help_brings_the_next_one(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_authority", holds=True)
    app = page(copy, "prospect", account=good)
    assert ":blue-badge[Find another person]" in _said(app)
    _button(app, "Tried it, it did not help").click().run()
    assert not app.exception
    assert ":red-badge[Walk away]" in _said(app)


def test_values_of_a_form_get_a_verdict_but_nothing_to_note(
    page: Callable[..., AppTest], copy: Path
) -> None:
    app = page(copy, "prospect", way="Fill in a form")
    _button(app, "Work out the fit").click().run()
    assert not app.exception
    assert "What to do" in _said(app)
    labels = {b.label for b in app.button}
    assert not labels & {"Note the answer", "Log this exit"}


def test_hostile_words_are_shown_as_they_are(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    with open_workspace(copy) as space:
        space.note_answer(good, "reason:no_need", True, evidence="<b>:red[x]</b>")
    app = page(copy, "prospect", account=good)
    assert not app.exception
    assert "<b>:red[x]" not in "\n".join(str(m.value) for m in app.markdown)
