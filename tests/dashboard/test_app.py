from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import streamlit as st

from icp.dashboard import session
from icp.errors import PermissionDeniedError

ROOT = Path(__file__).parents[2]
PACKAGED = ROOT / "icp" / "dashboard" / ".streamlit" / "config.toml"


def test_both_entries_have_the_same_settings() -> None:
    beside_shim = (ROOT / ".streamlit" / "config.toml").read_bytes()
    assert beside_shim == PACKAGED.read_bytes()


def test_settings_keep_the_dashboard_on_this_machine_and_silent() -> None:
    settings = tomllib.loads(PACKAGED.read_text("utf-8"))
    assert settings["server"]["address"] in session.LOOPBACK
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert "base" not in settings["theme"]


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", None])
def test_without_a_sign_in_other_machines_are_refused(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.setattr(st, "get_option", lambda _: address)
    monkeypatch.setattr(session, "has_sign_in", lambda: False)
    with pytest.raises(PermissionDeniedError, match="this machine only"):
        session.refuse_open_door()


@pytest.mark.parametrize(("address", "signed_in"), [("127.0.0.1", False), (None, True)])
def test_this_machine_or_a_sign_in_opens_the_door(
    monkeypatch: pytest.MonkeyPatch, address: str | None, signed_in: bool
) -> None:
    monkeypatch.setattr(st, "get_option", lambda _: address)
    monkeypatch.setattr(session, "has_sign_in", lambda: signed_in)
    session.refuse_open_door()


def test_the_workspace_is_the_argument_else_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ICP_WORKSPACE", str(tmp_path / "b"))
    monkeypatch.setattr("sys.argv", ["app.py", str(tmp_path / "a")])
    assert session.location() == (tmp_path / "a").resolve()
    monkeypatch.setattr("sys.argv", ["app.py"])
    assert session.location() == (tmp_path / "b").resolve()
    assert not session.is_workspace(session.location())


def test_no_file_of_the_package_is_taken_for_a_page() -> None:
    # Streamlit offers every file in a folder called pages beside the entry.
    assert not (PACKAGED.parents[1] / "pages").exists()
