"""What a session works on: the workspace, the person, frames that are read once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.errors import IcpError, NotFoundError, PermissionDeniedError
from icp.workflow import Workspace, open_workspace

if TYPE_CHECKING:
    from icp.profile import Profile


LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ENVIRONMENT = "ICP_WORKSPACE"
#: Longer lists are scanned from disk on each request.
_IN_MEMORY = 500_000


def location() -> Path:
    """The workspace's folder: the argument after `--`, ICP_WORKSPACE, or here."""
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get(_ENVIRONMENT, ".")
    return Path(folder).expanduser().resolve()


def is_workspace(folder: Path, /) -> bool:
    """Whether the folder holds a workspace's configuration."""
    return (folder / "icp.toml").is_file()


def has_sign_in() -> bool:
    """Whether people must sign in, as configured in Streamlit's secrets."""
    return "auth" in st.secrets if st.secrets.load_if_toml_exists() else False


def is_stranger() -> bool:
    """Whether the person has to sign in first."""
    return has_sign_in() and not st.user.get("is_logged_in", False)


def providers() -> tuple[str | None, ...]:
    """The ways to sign in: None is the one without a name of its own."""
    auth = st.secrets["auth"]
    names = tuple(name for name, value in auth.items() if isinstance(value, Mapping))
    return (None, *names) if "client_id" in auth or not names else names


def refuse_open_door() -> None:
    """Refuse to answer other machines where nobody has to sign in."""
    address = st.get_option("server.address")
    if address not in LOOPBACK and not has_sign_in():
        message = (
            "without a sign-in the dashboard answers on this machine only; start it "
            "with --server.address 127.0.0.1 or configure [auth] in secrets.toml"
        )
        raise PermissionDeniedError(message)


def workspace() -> Workspace:
    """The opened workspace, shared by the sessions of one person."""
    folder = location()
    if not is_workspace(folder):
        message = f"no workspace in {folder.name!r}; create one with `icp init`"
        raise NotFoundError(message)
    modified = (folder / "icp.toml").stat().st_mtime_ns
    return _open(str(folder), _actor(), modified, signed_in=has_sign_in())


def person() -> str:
    """Who signed in, and as what; only who where the workspace does not open."""
    who = _actor() or "Signed in without an email address"
    try:
        return f"{who}, {workspace().role}"
    except IcpError:
        return who


def _actor() -> str | None:
    if not has_sign_in():
        return None
    email = st.user.get("email")
    return str(email) if email else None


@st.cache_resource(
    max_entries=32, show_spinner=False, on_release=lambda space: space.close()
)
def _open(
    folder: str, actor: str | None, modified: int, *, signed_in: bool
) -> Workspace:
    """One workspace per person and per state of its configuration file.

    Whoever sits at this machine and somebody who signed in without a name are not one.
    """
    return open_workspace(folder, actor=actor, signed_in=signed_in)


def profile(ref: str | None = None, /) -> Profile:
    """A profile by version, or the one in force; read once, it never changes."""
    space = workspace()
    record = space.profiles.active() if ref is None else None
    return _profile(space, str(space.path), record.version if record else ref)


@st.cache_resource(max_entries=16, show_spinner=False)
def _profile(_workspace: Workspace, folder: str, ref: str | None) -> Profile:
    return _workspace.profiles.get(ref)


def scored(run: int, /) -> pl.LazyFrame:
    """The prospects of a score run; small lists stay in memory."""
    space = workspace()
    return _scored(space, str(space.path), run).lazy()


@st.cache_resource(max_entries=4, show_spinner="Loading prospects …")
def _scored(
    _workspace: Workspace, folder: str, run: int
) -> pl.DataFrame | pl.LazyFrame:
    lazy = _workspace.scores.scored(str(run))
    rows = lazy.select(pl.len()).collect().item()
    return lazy.collect() if rows <= _IN_MEMORY else lazy
