"""Every page at every stage of a workspace, and in one that somebody has damaged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PAGES: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("prospects", {}),
    ("prospect", {}),
    ("prospect", {"way": "Fill in a form"}),
    ("outliers", {}),
    ("outliers", {"who": "customers"}),
    *(("disqualifiers", {"state": s}) for s in ("Waiting for you", "In force", "Over")),
    *(
        ("profile", {"tab": tab})
        for tab in ("Segments", "Attributes", "Evidence", "Card", "Versions")
    ),
    *(
        ("data", {"step": step})
        for step in ("1 Files", "2 Quality", "3 Outcomes", "4 Learn and score")
    ),
]


def _said(app: AppTest) -> str:
    texts = [*app.markdown, *app.warning, *app.info, *app.success]
    plain = "\n".join(str(text.value) for text in texts)
    return plain.replace("\\", "").replace("\u2060", "")


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize("stage", ["declared", "imported", "labelled", "learnt"])
@pytest.mark.parametrize(("route", "query"), PAGES)
def test_every_page_can_be_looked_at_half_way(
    page: Callable[..., AppTest],
    stages: dict[str, Path],
    stage: str,
    route: str,
    query: dict[str, str],
) -> None:
    app = page(stages[stage], route, **query)
    assert not app.exception
    assert not app.error
    assert app.title


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("declared", "Import the sources"),
        ("imported", "Say which customers were best"),
        ("labelled", "Learn a profile"),
        ("learnt", "Look at profile v1 and put it in force"),
        ("in force", "Score the prospects"),
    ],
)
def test_home_says_the_next_step_at_every_stage(
    page: Callable[..., AppTest], stages: dict[str, Path], stage: str, said: str
) -> None:
    assert said in _said(page(stages[stage]))


def test_what_was_learnt_elsewhere_can_be_put_in_force(
    page: Callable[..., AppTest], stages: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(stages["learnt"], tmp_path / "space")
    app = page(folder, "data", step="4 Learn and score")
    assert "v1 is ready; evidence:" in _said(app)
    next(b for b in app.button if b.label == "Put v1 in force").click().run()
    assert not app.exception
    assert "v1 is now in force" in _said(app)
    assert "Put v1 in force" not in _labels(app)
    with open_workspace(folder) as space:
        active = space.profiles.active()
    assert active is not None
    assert active.version == "v1"


def test_a_profile_that_was_overtaken_is_not_offered_again(
    page: Callable[..., AppTest], stages: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(stages["scored"], tmp_path / "space")
    config = folder / "icp.toml"
    fewer = config.read_text("utf-8").replace("max_segments = 2", "max_segments = 1")
    config.write_text(fewer, encoding="utf-8")
    with open_workspace(folder) as space:
        job = space.jobs.queue.add("learn", {}, actor="ann", role="admin")
        space.jobs.queue.finish(job.id, "done", result={"profile": 1})
        space.profiles.activate(space.profiles.learn().version)
    app = page(folder, "data", step="4 Learn and score")
    assert not app.exception
    assert not [label for label in _labels(app) if label.startswith("Put ")]


@pytest.mark.parametrize(
    ("route", "query"), [p for p in PAGES if p[1].get("tab") == "Card" or not p[1]]
)
def test_lost_tables_are_named_with_what_to_do(
    page: Callable[..., AppTest],
    learnt: Path,
    tmp_path: Path,
    route: str,
    query: dict[str, str],
) -> None:
    folder = shutil.copytree(learnt, tmp_path / "space")
    shutil.rmtree(folder / ".icp" / "bulk")
    app = page(folder, route, **query)
    assert not app.exception
    assert [error.value.endswith("run icp doctor") for error in app.error] == [True]


@pytest.mark.parametrize("route", ["", "data"])
def test_settings_that_cannot_be_read_are_said(
    page: Callable[..., AppTest], learnt: Path, tmp_path: Path, route: str
) -> None:
    folder = shutil.copytree(learnt, tmp_path / "space")
    (folder / "icp.toml").write_text("[[[", encoding="utf-8")
    app = page(folder, route)
    assert not app.exception
    assert "not valid TOML" in app.error[0].value


def test_settings_that_change_count_from_the_next_look(
    page: Callable[..., AppTest], learnt: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(learnt, tmp_path / "space")
    app = page(folder)
    config = folder / "icp.toml"
    name = 'name = "Demo: a software vendor"'
    config.write_text(config.read_text("utf-8").replace(name, 'name = "*Ours*"'))
    app.run()
    assert [title.value for title in app.title] == [r"\*Ours\*"]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("my_space-2", "`icp init my_space-2`"),
        ("two words", "`icp init 'two words'`"),
        ("a`b", "`` icp init 'a`b' ``"),
    ],
)
def test_a_command_to_type_is_shown_as_it_is_typed(
    page: Callable[..., AppTest], tmp_path: Path, name: str, command: str
) -> None:
    (tmp_path / name).mkdir()
    app = page(tmp_path / name)
    assert command in "\n".join(str(text.value) for text in app.markdown)
