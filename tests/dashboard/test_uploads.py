"""Bringing a file in: what is said about it, what is kept, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

CUSTOMERS = (
    b"Account ID,*Branch*,Outcome\n1,<b>A</b>,Best\n2,[x](http://evil.test),Bad\n"
)


def _upload(app: AppTest, name: str, content: bytes) -> None:
    uploader: Any = app.get("file_uploader")[0]
    uploader.set_value((name, content, "text/csv")).run()


def _button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def _said(app: AppTest) -> str:
    texts = [*app.markdown, *app.success, *app.error]
    plain = "\n".join(str(text.value) for text in texts)
    return plain.replace("\\", "").replace("\u2060", "")


def _sources(folder: Path) -> list[tuple[str, str]]:
    with open_workspace(folder) as space:
        return [(source.name, source.object) for source in space.config.sources]


def test_a_file_is_looked_at_before_it_is_added(
    page: Callable[..., AppTest], empty: Path
) -> None:
    app = page(empty, "data")
    _upload(app, "my *customers*.csv", CUSTOMERS)
    assert not app.exception
    assert "my *customers*.csv: 2 rows, 3 columns. The first rows:" in _said(app)
    assert "*customers*" not in "".join(str(m.value) for m in app.markdown)
    assert app.text_input[0].value == "my _customers_"
    assert _sources(empty) == []
    _button(app, "Add this file").click().run()
    assert not app.exception
    assert "was added. Add another, or import all files." in _said(app)
    assert _sources(empty) == [("my _customers_", "accounts")]
    assert "Import all files" in [button.label for button in app.button]
    # The uploader is empty again.
    assert "Add this file" not in [button.label for button in app.button]


def test_a_newer_file_of_the_same_name_takes_the_place_of_the_first(
    page: Callable[..., AppTest], empty: Path
) -> None:
    app = page(empty, "data")
    _upload(app, "a.csv", CUSTOMERS)
    _button(app, "Add this file").click().run()
    assert "a was added." in _said(app)
    _upload(app, "a.csv", CUSTOMERS + b"3,B,Best\n")
    assert "This replaces the existing file of that name." in _said(app)
    _button(app, "Add this file").click().run()
    assert not app.exception
    assert "a was replaced." in _said(app)
    assert _sources(empty) == [("a", "accounts")]
    assert (empty / "sources" / "a.csv").read_bytes().endswith(b"3,B,Best\n")


def test_the_columns_of_the_file_are_counted_not_those_of_its_last_export(
    page: Callable[..., AppTest], empty: Path
) -> None:
    app = page(empty, "data")
    _upload(app, "a.csv", CUSTOMERS)
    _button(app, "Add this file").click().run()
    _upload(app, "a.csv", b"Account ID,Outcome\n1,Best\n2,Bad\n")
    assert not app.exception
    assert "a.csv: 2 rows, 2 columns. The first rows:" in _said(app)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02" * 50])
def test_a_file_that_cannot_be_read_is_said_so(
    page: Callable[..., AppTest], empty: Path, content: bytes
) -> None:
    app = page(empty, "data")
    _upload(app, "a.csv", content)
    assert not app.exception
    assert len(app.error) == 1
    assert "a.csv" in app.error[0].value.replace("\\", "").lower()
    assert "Add this file" not in [button.label for button in app.button]


def test_corrections_that_cannot_be_are_said_and_nothing_is_added(
    page: Callable[..., AppTest], empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited(given: pl.DataFrame, **_: object) -> pl.DataFrame:
        return given.with_columns(name=pl.lit("same"))

    monkeypatch.setattr("icp.dashboard.views.data.st.data_editor", edited)
    app = page(empty, "data")
    _upload(app, "a.csv", CUSTOMERS)
    assert not app.exception
    assert "1 repeated name: 'same'" in _said(app)
    assert "Add this file" not in [button.label for button in app.button]
    assert _sources(empty) == []
