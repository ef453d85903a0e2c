from __future__ import annotations

from typing import TYPE_CHECKING

from icp.dashboard.components import escaped
from icp.report import Table
from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


def test_the_card_is_shown_whole(page: Callable[..., AppTest], learnt: Path) -> None:
    app = page(learnt, "profile", tab="Card")
    assert not app.exception
    with open_workspace(learnt) as space:
        card = space.profiles.card()
    titles = [str(title.value) for title in app.header]
    assert titles == [escaped(section.title) for section in card.sections]
    tables = [b for s in card.sections for b in s.blocks if isinstance(b, Table)]
    assert len(app.table) == len(tables)
    text = "\n".join(str(part.value) for part in app.markdown)
    assert escaped("It grades companies by how much") in text


def test_the_card_can_be_taken_away(page: Callable[..., AppTest], learnt: Path) -> None:
    app = page(learnt, "profile", tab="Card")
    labels = [button.label for button in app.get("download_button")]
    assert labels == ["Web page", "Markdown"]


def test_an_older_version_has_its_own_card(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "profile", tab="Card", version="v1")
    assert not app.exception
    assert app.header
