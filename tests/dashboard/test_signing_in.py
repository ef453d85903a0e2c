from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st

from icp.dashboard import session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

ONE = {"client_id": "x", "redirect_uri": "https://icp.test/oauth2callback"}
TWO = {"redirect_uri": "https://icp.test/oauth2callback", "a_b": {"client_id": "x"}}


@pytest.fixture
def opened(
    page: Callable[..., AppTest], learnt: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    """The home page where a sign-in is configured, for somebody or for nobody."""

    def run(auth: dict[str, Any], user: dict[str, Any] | None = None) -> AppTest:
        app = page(learnt)
        if user is not None:
            monkeypatch.setattr(st, "user", user)
        app.secrets["auth"] = auth
        return app.run()

    return run


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize(
    ("auth", "labels"), [(ONE, ["Sign in"]), (TWO, [r"Sign in with a\_b"])]
)
def test_a_stranger_may_sign_in_and_sees_nothing_of_the_workspace(
    opened: Callable[..., AppTest], auth: dict[str, Any], labels: list[str]
) -> None:
    app = opened(auth)
    assert not app.exception
    assert not app.error
    assert _labels(app) == labels
    assert [title.value for title in app.title] == ["Sign in"]
    assert not app.metric
    assert "Workspace" not in "".join(str(text.value) for text in app.markdown)


@pytest.mark.parametrize(("auth", "asked"), [(ONE, ()), (TWO, ("a_b",))])
def test_the_button_leads_to_the_sign_in_that_is_configured(
    opened: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
    auth: dict[str, Any],
    asked: tuple[str, ...],
) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(st, "login", lambda *given: calls.append(given))
    opened(auth).button[0].click().run()
    assert calls == [asked]


def test_who_signed_in_sees_the_pages_and_may_leave(
    opened: Callable[..., AppTest],
) -> None:
    app = opened(ONE, {"is_logged_in": True, "email": "ann@example.com"})
    assert not app.exception
    assert not app.error
    assert _labels(app) == ["Sign out"]
    assert len(app.metric) == 4


def test_a_sign_in_without_an_address_opens_nothing(
    opened: Callable[..., AppTest],
) -> None:
    app = opened(ONE, {"is_logged_in": True})
    assert not app.exception
    assert "gave no name" in app.error[0].value
    assert not app.metric
    assert _labels(app) == ["Sign out"]


@pytest.mark.parametrize(
    ("auth", "ways"),
    [
        (ONE, (None,)),
        (TWO, ("a_b",)),
        ({**ONE, **TWO}, (None, "a_b")),
        ({"redirect_uri": "x"}, (None,)),
    ],
)
def test_every_way_to_sign_in_is_offered(
    monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any], ways: tuple[str | None, ...]
) -> None:
    monkeypatch.setattr(st, "secrets", {"auth": auth})
    assert session.providers() == ways
