from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from servers.identity_provider import CLIENT, IdentityProvider, identity_provider

from icp.workflow import create_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

pytestmark = [pytest.mark.browser, pytest.mark.slow]

pytest.importorskip("authlib")

NAME = "Only for those who sign in"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def guarded(
    tmp_path: Path, provider: IdentityProvider, serve: Callable[..., str]
) -> str:
    """A dashboard on which Ann is analyst; everybody has to sign in."""
    folder = tmp_path / "guarded"
    create_workspace(folder, name=NAME).close()
    with (folder / "icp.toml").open("a", encoding="utf-8") as config:
        config.write('\n[roles]\n"ann@icp.test" = "analyst"\n')
    port = _free_port()
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "a text that only this test knows"
        client_id = "{CLIENT}"
        client_secret = "of no use elsewhere"
        server_metadata_url = "{provider.url}/.well-known/openid-configuration"
        """,
        encoding="utf-8",
    )
    return serve(folder, "--secrets.files", str(secrets), port=port)


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def test_nobody_sees_anything_before_and_after_being_signed_in(
    guarded: str, visit: Callable[..., Any]
) -> None:
    seen = visit(guarded)
    seen.open("/data")
    assert seen.page.get_by_text("Workspace:").count() == 0
    seen.press("button", "Sign in")
    seen.page.get_by_text("Workspace: guarded").wait_for()
    seen.page.get_by_text(", analyst").wait_for()
    seen.open("/data")
    seen.page.get_by_text("Add a file").first.wait_for()
    seen.press("button", "Sign out")
    seen.page.get_by_role("heading", name="Sign in").wait_for()
    assert seen.page.get_by_text("Workspace:").count() == 0


def test_who_signs_in_without_a_role_may_only_look(
    guarded: str, provider: IdentityProvider, visit: Callable[..., Any]
) -> None:
    provider.email = "bob@icp.test"
    seen = visit(guarded)
    seen.open()
    seen.press("button", "Sign in")
    seen.page.get_by_text(", viewer").wait_for()
    seen.open("/data")
    seen.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"id,name\n1,A\n"}
    )
    seen.page.get_by_text("is viewer here and this needs").wait_for()
