"""What a person is told who may not do something, and what stays on the page."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from icp.errors import StoreError
from icp.workflow import open_workspace
from icp.workflow.jobs import Jobs
from icp.workflow.labels import Labels
from icp.workflow.rulebook import Rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from icp.workflow.access import Area

LEARN = {"step": "4 Learn and score"}


@pytest.fixture
def as_role(
    learnt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """A copy of the workspace in which this person has that role."""

    def made(role: str) -> Path:
        folder = shutil.copytree(learnt, tmp_path / "space")
        config = folder / "icp.toml"
        roles = f'\n[roles]\nann = "{role}"\n'
        config.write_text(config.read_text("utf-8") + roles, encoding="utf-8")
        monkeypatch.setenv("ICP_ACTOR", "ann")
        return folder

    return made


def _button(app: AppTest, start: str) -> Any:
    return next(b for b in app.button if b.label.startswith(start))


def _errors(app: AppTest) -> list[str]:
    return [error.value.replace("\\", "") for error in app.error]


def _needs(role: str) -> str:
    return f"is viewer here and this needs {role}; ask an admin to change [roles]"


@pytest.mark.parametrize(
    ("step", "button"),
    [
        ("1 Files", "Import all files"),
        ("3 Outcomes", "Save labels"),
        ("3 Outcomes", "Set outcome"),
        ("4 Learn and score", "Learn a profile"),
        ("4 Learn and score", "Score 120 prospects"),
    ],
)
def test_a_viewer_who_presses_a_button_is_told_whom_to_ask(
    page: Callable[..., AppTest], as_role: Callable[[str], Path], step: str, button: str
) -> None:
    folder = as_role("viewer")
    with open_workspace(folder) as space:
        before = space.events(limit=1).row(0)
    app = page(folder, "data", step=step)
    headers = [header.value for header in app.header]
    _button(app, button).click().run()
    assert not app.exception
    assert [_needs("analyst") in error for error in _errors(app)] == [True]
    assert [header.value for header in app.header] == headers
    with open_workspace(folder) as space:
        assert space.events(limit=1).row(0) == before


@pytest.mark.parametrize(("route", "query"), [("prospect", {}), ("outliers", {})])
def test_a_viewer_does_not_see_single_accounts(
    page: Callable[..., AppTest],
    as_role: Callable[[str], Path],
    route: str,
    query: dict[str, str],
) -> None:
    app = page(as_role("viewer"), route, **query)
    assert not app.exception
    assert [_needs("rep") in error for error in _errors(app)] == [True]
    assert not app.button


@pytest.mark.parametrize("role", ["viewer", "rep"])
def test_who_may_not_stop_work_is_told_so_and_it_goes_on(
    page: Callable[..., AppTest], as_role: Callable[[str], Path], role: str
) -> None:
    folder = as_role(role)
    with open_workspace(folder) as space:
        job = space.jobs.queue.add("learn", {}, actor="bob", role="admin").id
    app = page(folder, "data", **LEARN)
    assert not app.error
    app.button(key=f"stop-{job}").click().run()
    assert not app.exception
    assert ["needs analyst" in error for error in _errors(app)] == [True]
    app.run()
    assert len(app.error) == 1
    with open_workspace(folder) as space:
        assert space.jobs.get(job).state == "queued"


@pytest.mark.parametrize(
    ("route", "query", "area", "method", "button"),
    [
        ("data", LEARN, Jobs, "start", "Learn a profile"),
        ("data", {"step": "3 Outcomes"}, Labels, "label", "Save labels"),
        ("disqualifiers", {}, Rules, "search", "Search for rules"),
        ("disqualifiers", {"state": "Active"}, Rules, "try_rule", "What would it"),
        ("disqualifiers", {"state": "Active"}, Rules, "add_policy", "Add policy"),
    ],
)
def test_a_store_that_fails_is_said_in_its_own_words(
    page: Callable[..., AppTest],
    learnt: Path,
    monkeypatch: pytest.MonkeyPatch,
    route: str,
    query: dict[str, str],
    area: type[Area],
    method: str,
    button: str,
) -> None:
    def locked(*_: object, **__: object) -> None:
        message = "the *store* is locked; try again"
        raise StoreError(message)

    app = page(learnt, route, **query)
    monkeypatch.setattr(area, method, locked)
    _button(app, button).click().run()
    assert not app.exception
    assert [e.value for e in app.error] == [r"The \*store\* is locked\; try again"]
    assert not app.success
    app.run()
    assert not app.error


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("failed", "no *customers*; import some", r"No \*customers\*\; import some"),
        ("cancelled", "", "Stopped."),
    ],
)
def test_how_work_ended_is_still_said_later(
    page: Callable[..., AppTest],
    learnt: Path,
    tmp_path: Path,
    state: Any,
    error: str,
    said: str,
) -> None:
    folder = shutil.copytree(learnt, tmp_path / "space")
    with open_workspace(folder) as space:
        job = space.jobs.queue.add("learn", {}, actor="ann", role="admin")
        space.jobs.queue.finish(job.id, state, error=error)
    app = page(folder, "data", **LEARN)
    assert not app.exception
    assert [m.value for m in [*app.error, *app.warning]] == [said]
    assert not _button(app, "Learn a profile").disabled


def test_work_that_is_done_counts_what_came_of_it(
    page: Callable[..., AppTest], learnt: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(learnt, tmp_path / "space")
    with open_workspace(folder) as space:
        job = space.jobs.queue.add("import", {}, actor="ann", role="admin")
        counts = {"customers": 1, "prospects": 1200}
        space.jobs.queue.finish(job.id, "done", result=counts)
    app = page(folder, "data", step="1 Files")
    said = "\n".join(str(text.value) for text in app.markdown).replace("\\", "")
    assert ": 1 customer, 1,200 prospects." in said
