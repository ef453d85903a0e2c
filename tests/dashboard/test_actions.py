from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from icp.config import load_config
from icp.outcomes import OutcomePolicy
from icp.workflow import open_workspace
from icp.workflow.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from streamlit.testing.v1 import AppTest


@pytest.fixture
def copy(learnt: Path, tmp_path: Path) -> Path:
    return shutil.copytree(learnt, tmp_path / "copy")


@pytest.fixture
def two_versions(copy: Path) -> Path:
    config = copy / "icp.toml"
    config.write_text(
        config.read_text("utf-8").replace("max_segments = 2", "max_segments = 1")
    )
    with open_workspace(copy) as space:
        space.profiles.learn()
    return copy


def _button(app: AppTest, start: str) -> Any:
    return next(b for b in app.button if b.label.startswith(start))


def _said(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.markdown)


def _in_force(folder: Path) -> str | None:
    with open_workspace(folder) as space:
        active = space.profiles.active()
    return active.version if active else None


def _last_event(folder: Path) -> dict[str, Any]:
    with open_workspace(folder) as space:
        return space.events(limit=1).row(0, named=True)


def test_a_version_is_put_in_force_and_taken_back(
    page: Callable[..., AppTest], two_versions: Path
) -> None:
    app = page(two_versions, "profile", tab="Versions", version="v2")
    app.text_input(key="reason").set_value("fewer segments").run()
    _button(app, "Put v2 in force").click().run()
    assert app.success[0].value.startswith("v2 is now in force")
    assert _in_force(two_versions) == "v2"
    assert "fewer segments" in _last_event(two_versions)["payload"]

    _button(app, "Go back").click().run()
    assert app.success[0].value.startswith("v1 is now in force")
    assert _in_force(two_versions) == "v1"


def test_two_versions_are_compared_point_by_point(
    page: Callable[..., AppTest], two_versions: Path
) -> None:
    app = page(two_versions, "profile", tab="Versions", version="v2")
    with open_workspace(two_versions) as space:
        expected = space.profiles.diff("v1", "v2").height
    assert app.selectbox(key="compare").value == "v1"
    assert len(app.dataframe[-1].value) == expected


def test_what_cannot_be_put_in_force_is_said_in_words(
    page: Callable[..., AppTest], two_versions: Path
) -> None:
    config = two_versions / "icp.toml"
    config.write_text(config.read_text("utf-8") + '\n[roles]\nann = "admin"\n')
    app = page(two_versions, "profile", tab="Versions", version="v2")
    _button(app, "Put v2 in force").click().run()
    assert not app.exception
    assert "needs analyst" in app.error[0].value
    assert _in_force(two_versions) == "v1"


def _field(app: AppTest, label: str) -> Any:
    return next(n for n in app.number_input if n.label == label)


def test_a_moved_threshold_is_previewed_and_kept_in_the_settings(
    page: Callable[..., AppTest], copy: Path
) -> None:
    app = page(copy, "data", step="3 Outcomes")
    _field(app, "Best: worth from").set_value(20000.0).run()
    assert app.info[0].value.startswith("Not saved yet: -")
    before = load_config(copy / "icp.toml").outcome
    assert before is not None
    assert "20000" not in str(before)

    _button(app, "Save labels").click().run()
    assert app.success[0].value.replace("\\", "").startswith("Saved: ")
    kept = load_config(copy / "icp.toml").outcome
    assert kept is not None
    rule = next(rule for rule in kept.rules if rule.outcome == "best")
    assert rule.when == "worth >= 20000 AND status = 'Active'"
    assert rule.reason == "stays, and is worth 20,000 EUR or more"
    assert len(kept.rules) == len(before.rules)

    again = page(copy, "data", step="3 Outcomes")
    assert _field(again, "Best: worth from").value == 20000.0
    assert not again.info


def test_rules_are_read_by_their_reasons(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    said = _said(page(learnt, "data", step="3 Outcomes"))
    assert "**Regrettable**: costs more than it pays" in said
    assert "Worth is what the customer brought in less support and late payment" in said


def test_what_a_threshold_changes_is_counted_on_request(
    page: Callable[..., AppTest], learnt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(learnt, "data", step="3 Outcomes")
    assert not any("moved to" in frame.value for frame in app.dataframe)
    monkeypatch.setattr(
        "icp.dashboard.outcomes.st.expander", _opened(monkeypatch), raising=True
    )
    app.run()
    table = next(f.value for f in app.dataframe if "moved to" in f.value)
    assert table["moved to"][0] == "as it is"
    counts = table[["best", "regrettable", "neutral", "unknown"]].sum(axis=1)
    with open_workspace(learnt) as space:
        total = space.labels.preview().total
    assert set(counts) == {total}


def _opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """AppTest cannot open an expander."""
    import streamlit as st

    real = st.expander

    def expander(label: str, **given: Any) -> Any:
        return real(label, expanded=True, **given)

    return expander


def test_one_customer_is_decided_by_hand(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        account = str(space.accounts.table().collect()["account_id"][0])
    app = page(copy, "data", step="3 Outcomes")
    fields = {field.label: field for field in app.text_input}
    fields["Customer: id or name"].set_value(account)
    fields["Reason"].set_value("we know them")
    _button(app, "Set outcome").click().run()
    assert app.success[0].value.startswith("Saved")
    assert "we know them" in _last_event(copy)["payload"]


@pytest.mark.parametrize(
    ("account", "reason", "said"),
    [
        ("nobody", "we know them", "No customer 'nobody'"),
        ("x", "", "reason is required"),
    ],
)
def test_a_word_by_hand_that_is_not_possible_is_said(
    page: Callable[..., AppTest], copy: Path, account: str, reason: str, said: str
) -> None:
    app = page(copy, "data", step="3 Outcomes")
    fields = {field.label: field for field in app.text_input}
    fields["Customer: id or name"].set_value(account)
    fields["Reason"].set_value(reason)
    _button(app, "Set outcome").click().run()
    assert said in app.error[0].value.replace("\\", "")


def test_a_refused_column_is_accepted_with_a_reason(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        column = "industry"
        config = space.path / "icp.toml"
        space.profiles.accept_column(column, why="asked on the first call")
    assert load_config(config).learning.accept[0].column == column
    app = page(copy, "data", step="4 Learn and score")
    assert not app.exception
    assert "was accepted by" in _said(app)
    assert "asked on the first call" in _said(app)


def _queued(folder: Path, kind: Any) -> str:
    """A job as it is before its process has begun."""
    with open_workspace(folder) as space:
        return space.jobs.queue.add(kind, {}, actor="ann", role="admin").id


def test_work_that_goes_on_can_be_stopped(
    page: Callable[..., AppTest], copy: Path
) -> None:
    job = _queued(copy, "learn")
    app = page(copy, "data", step="4 Learn and score")
    assert _button(app, "Learn a profile").disabled
    app.button(key=f"stop-{job}").click().run()
    app.run()
    with open_workspace(copy) as space:
        assert space.jobs.get(job).state == "cancelled"
    assert "Stopped." in [warning.value for warning in app.warning]
    assert not _button(app, "Learn a profile").disabled


def test_work_is_started_once(
    page: Callable[..., AppTest], copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def start(jobs: Jobs, kind: Any, /, **_: Any) -> None:
        started.append(kind)
        jobs.queue.add(kind, {}, actor="ann", role="admin")

    monkeypatch.setattr(Jobs, "start", start)
    app = page(copy, "data", step="4 Learn and score")
    _button(app, "Score").click().run()
    assert started == ["score"]
    assert _button(app, "Score").disabled


def test_a_policy_that_nobody_wrote_is_proposed(
    page: Callable[..., AppTest], copy: Path
) -> None:
    config = copy / "icp.toml"
    text = config.read_text("utf-8")
    start, end = text.index("[outcome]"), text.index("[economics]")
    config.write_text(text[:start] + text[end:])
    app = page(copy, "data", step="3 Outcomes")
    assert not app.exception
    assert "status is Churned" in _said(app)
    _button(app, "Save labels").click().run()
    kept = load_config(config).outcome
    assert isinstance(kept, OutcomePolicy)
    assert kept.label is not None
