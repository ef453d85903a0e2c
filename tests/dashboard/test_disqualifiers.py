from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PAGE = "disqualifiers"


@pytest.fixture
def space(learnt: Path, tmp_path: Path) -> Path:
    return shutil.copytree(learnt, tmp_path / "space")


@pytest.fixture
def searched(space: Path) -> Path:
    with open_workspace(space) as opened:
        opened.rules.search()
    return space


def words(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in [*app.markdown, *app.success])


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()


def test_nothing_can_be_searched_before_there_is_a_profile(
    page: Callable[..., AppTest], empty: Path
) -> None:
    app = page(empty, PAGE)
    assert not app.exception
    assert "Nothing to search yet" in words(app)


def test_a_search_proposes_rules_and_nothing_is_in_force(
    page: Callable[..., AppTest], space: Path
) -> None:
    app = page(space, PAGE)
    assert "No rules to decide on" in words(app)
    app.button[0].click().run()
    assert not app.exception
    assert "tried on" in words(app)
    with open_workspace(space) as opened:
        assert {rule.state for rule in opened.rules.list()} == {"proposed"}


def test_the_queue_shows_evidence_and_asks_for_a_decision(
    page: Callable[..., AppTest], searched: Path
) -> None:
    app = page(searched, PAGE)
    assert not app.exception
    assert "ould have spared you" in words(app)
    assert {"Activate", "Watch only", "Reject"} <= set(labels(app))
    assert len(app.get("plotly_chart")) == 1


def test_a_decision_needs_a_reason_and_is_kept(
    page: Callable[..., AppTest], searched: Path
) -> None:
    with open_workspace(searched) as opened:
        rule = opened.rules.list()[0]
    app = page(searched, PAGE)
    app.button(key=f"active-{rule.id}").click().run()
    assert "Enter a reason first" in "".join(error.value for error in app.error)
    app.text_input(key=f"why-{rule.id}").set_value("agreed with sales").run()
    app.button(key=f"active-{rule.id}").click().run()
    assert not app.error
    with open_workspace(searched) as opened:
        assert opened.rules.get(rule.id).state == "active"
        assert opened.rules.get(rule.id).moves[-1].reason == "agreed with sales"
    app = page(searched, PAGE, state="Active")
    assert not app.exception
    assert "Retire" in labels(app)


def test_a_rejected_rule_is_listed_with_who_said_so(
    page: Callable[..., AppTest], searched: Path
) -> None:
    with open_workspace(searched) as opened:
        rule = opened.rules.list()[0]
        opened.rules.move(rule.id, "retired", reason="a coincidence")
    app = page(searched, PAGE, state="Retired")
    assert not app.exception
    assert "a coincidence" in words(app)
    assert "Propose again" in labels(app)


def test_a_policy_can_be_laid_down_and_is_checked(
    page: Callable[..., AppTest], searched: Path
) -> None:
    app = page(searched, PAGE, state="Active")
    app.text_input(key="policy-when").set_value("industri = 'Arms'")
    app.text_input(key="policy-why").set_value("the board decided so")
    press(app, "Add policy")
    assert "did you mean" in "".join(error.value for error in app.error)
    assert app.text_input(key="policy-why").value == "the board decided so"
    app.text_input(key="policy-when").set_value("industry = 'Arms'")
    press(app, "Add policy")
    assert not app.exception
    assert app.text_input(key="policy-why").value == ""
    with open_workspace(searched) as opened:
        assert [rule.state for rule in opened.rules.list("policy")] == ["policy"]
    assert "the board decided so" in words(page(searched, PAGE, state="Active"))


def test_a_rule_of_ones_own_is_tried_before_it_is_laid_down(
    page: Callable[..., AppTest], space: Path
) -> None:
    app = page(space, PAGE, state="Active")
    app.text_input(key="policy-when").set_value("employees < 24")
    press(app, "What would it have done?")
    assert not app.exception
    assert "would have spared you" in words(app)
    assert app.text_input(key="policy-when").value == "employees < 24"
    with open_workspace(space) as opened:
        assert opened.rules.list() == ()


def test_what_becomes_of_a_rule_is_said_in_words(
    page: Callable[..., AppTest], searched: Path
) -> None:
    with open_workspace(searched) as opened:
        rule = opened.rules.list()[0]
        names = {
            a.name: a.title for a in opened.accounts.schema("customers").attributes
        }
    app = page(searched, PAGE)
    app.text_input(key=f"why-{rule.id}").set_value("a coincidence").run()
    press(app, "Reject")
    said = app.success[0].value
    assert "rejected" in said
    assert "Retired" in said
    for column in rule.condition.columns:
        assert names[column] in said.replace("\\", "")
    app = page(searched, PAGE, state="Retired")
    app.text_input(key=f"why-{rule.id}").set_value("look again").run()
    press(app, "Propose again")
    said = words(page(searched, PAGE))
    assert "rejected by" in said
    assert "proposed by" in said


def test_who_only_looks_cannot_decide(
    page: Callable[..., AppTest], searched: Path
) -> None:
    config = searched / "icp.toml"
    text = config.read_text("utf-8").split("[roles]")[0]
    config.write_text(f'{text}\n[roles]\nsomebody_else = "admin"\n', encoding="utf-8")
    app = page(searched, PAGE)
    assert not app.exception
    assert labels(app) == []
    assert "analysts and admins decide" in words(app)
    app = page(searched, PAGE, state="Active")
    assert labels(app) == []
