from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from icp.demo import write_demo
from icp.workflow import Workspace, create_workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = Path(__file__).parents[2] / "icp" / "dashboard" / "app.py"
#: Learning as quick as it can be; what it finds is tested elsewhere.
QUICK = "\n[learning.options]\nfolds = 2\nrefits = 3\nmax_segments = 2\n"


#: Step -> what is done in it; the workspace is kept as it is after each.
STEPS: dict[str, Callable[[Workspace], object]] = {
    "declared": lambda space: space.config,
    "imported": lambda space: space.imports.run(),
    "labelled": lambda space: space.labels.label(),
    "learnt": lambda space: space.profiles.learn(),
    "in force": lambda space: space.profiles.activate("v1"),
    "scored": lambda space: space.scores.run(),
}


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One workspace as it was after each step; to read, not to change."""
    folder = tmp_path_factory.mktemp("stages") / "space"
    files = write_demo(folder, customers=150, prospects=120)
    files.config.write_text(files.config.read_text("utf-8") + QUICK, encoding="utf-8")
    kept = {}
    for name, step in STEPS.items():
        with open_workspace(folder) as space:
            step(space)
        kept[name] = shutil.copytree(folder, folder.parent / name / "space")
    return kept


@pytest.fixture(scope="session")
def learnt(stages: dict[str, Path]) -> Path:
    return stages["scored"]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "space", name="Empty").close()
    return tmp_path / "space"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page of the dashboard on a workspace, through the entry file."""

    def opened(folder: Path, route: str = "", /, **query: str) -> AppTest:
        monkeypatch.setattr(sys, "argv", [str(ENTRY), str(folder)])
        app = AppTest.from_file(ENTRY, default_timeout=60)
        if route:
            # Pages that are callables have no file to switch to.
            app._page_hash = calc_hash(route)
        app.query_params.update(query)
        return app.run()

    return opened
