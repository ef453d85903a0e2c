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
        return str(space.deals.waiting(1)["account_id"][0])


def _said(app: AppTest) -> str:
    texts = [
        *app.markdown,
        *app.header,
        *app.subheader,
        *app.success,
        *app.info,
        *app.code,
    ]
    return "\n".join(str(text.value) for text in texts)


def _button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def _note(folder: Path, account: str, code: str, *, holds: bool) -> None:
    with open_workspace(folder) as space:
        space.deals.answer(account, f"reason:{code}", holds, evidence="by phone")


def test_a_good_prospect_is_to_be_pursued(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    app = page(copy, "prospect", account=good)
    assert not app.exception
    said = _said(app)
    assert ":green[Pursue]" in said
    assert "Go ahead. There is no reason to leave." in said
    labels = [metric.label for metric in app.metric]
    assert labels[:3] == ["Pursuing is worth", "Assumed probability", "Spend at most"]


def test_the_answer_to_the_next_question_is_noted(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        fits = space.scores.scored().filter(pl.col("fit").is_between(30, 75)).collect()
        judged = [
            space.verdicts.judge(account) for account in fits["account_id"].head(20)
        ]
    asked, good = next(
        (j.verdict.question, j.account_id)
        for j in judged
        if j.verdict.question and j.verdict.question.kind == "reason"
    )
    app = page(copy, "prospect", account=good)
    app.radio(key=f"holds-{good}-{asked.code}").set_value("Yes")
    app.text_input(key=f"evidence-{good}-{asked.code}").set_value("by phone")
    _button(app, "Save answer").click().run()
    assert not app.exception
    assert "Answer saved" in _said(app)
    with open_workspace(copy) as space:
        code = asked.code.partition(":")[2]
        assert space.verdicts.judge(good).signals[code].evidence == "by phone"


def test_an_exit_is_said_logged_and_taken_back(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_budget", holds=True)
    app = page(copy, "prospect", account=good)
    said = _said(app)
    assert ":orange[Not now]" in said
    assert "When is your next budget set?" in said
    app.text_input(key=f"promised-{good}").set_value("a call")
    _button(app, "Log this exit").click().run()
    assert not app.exception
    assert "Exit logged" in _said(app)
    assert "Look again when" in _said(app)
    with open_workspace(copy) as space:
        (kept,) = space.deals.exits()
    assert (kept.exit.account_id, kept.exit.promised) == (good, "a call")
    _button(app, "Reopen").click().run()
    with open_workspace(copy) as space:
        assert space.deals.exits() == []


def test_a_step_that_did_not_help_brings_the_next_one(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_authority", holds=True)
    app = page(copy, "prospect", account=good)
    assert ":blue[Find another person]" in _said(app)
    _button(app, "Tried this, it did not help").click().run()
    assert not app.exception
    assert ":red[Walk away]" in _said(app)


def test_values_of_a_form_get_a_verdict_but_nothing_to_note(
    page: Callable[..., AppTest], copy: Path
) -> None:
    app = page(copy, "prospect", way="Fill in a form")
    _button(app, "Calculate the fit").click().run()
    assert not app.exception
    assert "What to do" in _said(app)
    labels = {b.label for b in app.button}
    assert not labels & {"Save answer", "Log this exit"}


def test_hostile_words_are_shown_as_they_are(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    with open_workspace(copy) as space:
        space.deals.answer(good, "reason:no_need", True, evidence="<b>:red[x]</b>")
    app = page(copy, "prospect", account=good)
    assert not app.exception
    assert "<b>:red[x]" not in "\n".join(str(m.value) for m in app.markdown)


def test_an_account_that_was_left_cannot_be_left_twice(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_budget", holds=True)
    with open_workspace(copy) as space:
        space.deals.leave(good, promised="a call")
    app = page(copy, "prospect", account=good)
    assert not app.exception
    assert "who promised\\: a call" in _plain(app)
    assert "Log this exit" not in [b.label for b in app.button]


def test_a_step_that_is_no_exit_offers_none_and_the_last_one_no_further_try(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_authority", holds=True)
    app = page(copy, "prospect", account=good)
    assert "Log this exit" not in [b.label for b in app.button]
    _button(app, "Tried this, it did not help").click().run()
    labels = [b.label for b in app.button]
    assert "Log this exit" in labels
    assert "Tried this, it did not help" not in labels


def test_an_answer_left_empty_is_not_noted(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        accounts = space.scores.scored().head(60).collect()["account_id"]
        asked = next(a for a in accounts if space.verdicts.judge(a).verdict.question)
    app = page(copy, "prospect", account=asked)
    _button(app, "Save answer").click().run()
    assert [w.value for w in app.warning][:1] == ["Enter an answer first."]
    with open_workspace(copy) as space:
        assert not space.verdicts.judge(asked).answers


def test_what_was_noted_is_shown_and_can_be_taken_back(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_authority", holds=True)
    with open_workspace(copy) as space:
        space.deals.answer(good, "attribute:employees", 5)
        space.deals.attempt(good, "no_authority", "other_stakeholder")
    app = page(copy, "prospect", account=good)
    assert not app.exception
    said = _plain(app)
    assert "Employees\\: 5" in said
    assert "Cannot decide\\: yes\\, by phone" in said
    assert "tried to find somebody else at the company\\, it did not help" in said
    _button(app, "Remove").click().run()
    _button(app, "Mark as not true").click().run()
    assert not app.exception
    with open_workspace(copy) as space:
        judged = space.verdicts.judge(good)
    assert judged.answers == {}
    assert judged.signals["no_authority"].holds is False


def test_a_policy_is_set_aside_for_one_account_by_somebody_else(
    page: Callable[..., AppTest],
    copy: Path,
    good: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ICP_ACTOR", "ann")
    config = copy / "icp.toml"
    roles = '[roles]\nann = "rep"\nboss = "admin"\n\n'
    config.write_text(roles + config.read_text("utf-8"), encoding="utf-8")
    with open_workspace(copy, actor="boss") as space:
        space.rules.add_policy("employees >= 0", why="no firms with people")
    app = page(copy, "prospect", account=good)
    app.text_input(key=f"except-reason-{good}").set_value("a friend of the house")
    _button(app, "Make an exception").click().run()
    assert "name somebody else who approves" in app.error[0].value
    app.text_input(key=f"except-approver-{good}").set_value("boss")
    _button(app, "Make an exception").click().run()
    assert not app.exception
    assert ":green[Pursue]" in _said(app)
    assert "Exception made for this account" in _said(app)
    with open_workspace(copy) as space:
        assert [one.approver for one in space.rules.exceptions(good)] == ["boss"]
    assert not [b for b in app.button if b.label == "Make an exception"]


def test_the_home_page_leads_to_the_accounts_that_woke(
    page: Callable[..., AppTest], copy: Path, good: str
) -> None:
    _note(copy, good, "no_budget", holds=True)
    with open_workspace(copy) as space:
        space.deals.leave(good)
        assert space.deals.wake_up() == []
    assert "due for another look" not in _said(page(copy))
    _note(copy, good, "no_budget", holds=False)
    with open_workspace(copy) as space:
        assert len(space.deals.wake_up()) == 1
    app = page(copy)
    assert not app.exception
    assert "1 account is due for another look" in _said(app)
    (found,) = [e for e in app.get("page_link") if f"account={good}" in str(e.proto)]
    assert good in found.proto.label.replace("\\", "")


def _plain(app: AppTest) -> str:
    """What was said, without the joiners that keep addresses from becoming links."""
    return _said(app).replace("\u2060", "")
