"""Making workspaces and opening them."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from icp.config import CONFIG_FILE, default_config_text, load_config
from icp.errors import ConfigError, IcpError, PermissionDeniedError
from icp.store.database import utc_now
from icp.store.store import Store
from icp.workflow.access import granted
from icp.workflow.context import Context
from icp.workflow.workspace import Workspace

if TYPE_CHECKING:
    from icp.store.database import Clock
    from icp.workflow.access import RoleName


_DATA: Final = ".icp"
_IGNORED: Final = "# Customer data stays out of version control.\n.icp/\nsources/\n"


def create_workspace(path: str | Path, /, *, name: str | None = None) -> Workspace:
    """Make a workspace of a folder: `icp.toml`, `.icp/` and `.gitignore`.

    The folder may exist and hold files; one that already is a workspace raises
    ConfigError.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        message = f"{folder.name!r} is a file; name a folder for the workspace"
        raise ConfigError(message)
    config = folder / CONFIG_FILE
    if config.exists():
        message = f"{folder.name!r} already is a workspace; go on with icp import FILE"
        raise ConfigError(message)
    folder.mkdir(parents=True, exist_ok=True)
    text = default_config_text(name=name or folder.absolute().name)
    config.write_text(text, encoding="utf-8")
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(_IGNORED, encoding="utf-8")
    try:
        return open_workspace(folder)
    except IcpError:
        config.unlink()  # a folder whose store cannot be opened is no workspace yet
        raise


def open_workspace(
    location: str | Path,
    /,
    *,
    actor: str | None = None,
    role: RoleName | None = None,
    signed_in: bool = False,
    clock: Clock = utc_now,
) -> Workspace:
    """Open the workspace in a folder; use it in a `with` statement.

    `actor` is who is at work, by default `ICP_ACTOR` or the computer's user. `role`
    can take rights away, never add any to those in `[roles]` of `icp.toml`. Raises
    ConfigError where the folder is no workspace. The store is a file in the workspace,
    or the database whose URL is in `ICP_STORE`.

    With `signed_in` the person came through a sign-in, from anywhere: who is not in
    `[roles]` is viewer then, and nobody gets the rights of whoever sits here.
    """
    folder = Path(location).absolute()
    folder = folder.parent if folder.name == CONFIG_FILE else folder
    if not (folder / CONFIG_FILE).is_file():
        message = (
            f"no workspace in {folder.name!r}: it has no {CONFIG_FILE}; run icp init"
        )
        raise ConfigError(message)
    config = load_config(folder / CONFIG_FILE)
    if signed_in and not actor:
        message = "the sign-in gave no name; ask for one with an e-mail address"
        raise PermissionDeniedError(message)
    who = actor or os.environ.get("ICP_ACTOR") or getpass.getuser()
    data = folder / _DATA
    data.mkdir(exist_ok=True)
    place = os.environ.get("ICP_STORE") or data / "icp.db"
    store = Store(place, data / "bulk", clock=clock)
    context = Context(path=folder, config=config, store=store, actor=who)
    rights = granted(who, config.roles, role, signed_in=signed_in)
    return Workspace(context, role=rights)
