"""A workspace: its areas, how it is made, and how it is opened."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from icp.config import CONFIG_FILE, default_config_text, load_config
from icp.errors import ConfigError, IcpError, PermissionDeniedError
from icp.store.database import utc_now
from icp.store.store import Store
from icp.workflow.access import Area, Session, granted, needs
from icp.workflow.accounts import Accounts
from icp.workflow.deals import Deals
from icp.workflow.imports import Imports
from icp.workflow.jobs import Jobs
from icp.workflow.judging import Verdicts
from icp.workflow.labels import Labels
from icp.workflow.learning import Profiles
from icp.workflow.rulebook import Rules
from icp.workflow.scoring import Scores
from icp.workflow.sources import Sources
from icp.workflow.status import WorkspaceStatus, examine, next_steps

if TYPE_CHECKING:
    import polars as pl

    from icp.config import RoleName, WorkspaceConfig
    from icp.store.database import Clock
    from icp.workflow.status import Check


_DATA: Final = ".icp"
_IGNORED: Final = "# Customer data stays out of version control.\n.icp/\nsources/\n"


class Workspace(Area):
    """The use cases, by area; a role that may not use one gets PermissionDeniedError.

    ```
    sources    the exports, and how their columns are understood
    imports    reading them all; the rows that found no place
    accounts   the customers and prospects that came of it
    labels     which customers were best and which regrettable
    profiles   learnt from these outcomes, one of them in force
    rules      when to walk away: reasons, rules of a search, policies
    verdicts   what to do about an account
    scores     how well accounts fit
    deals      what people learnt and did, and how they left
    jobs       long work in a process of its own
    ```

    An area uses those made before it. Progress callbacks are called with the share done
    (0 to 1) and a message; one that raises CancelledError stops the work, and nothing
    half-done is kept.
    """

    def __init__(self, session: Session, /) -> None:
        super().__init__(session)
        self.sources = sources = Sources(session)
        self.accounts = accounts = Accounts(session)
        self.labels = labels = Labels(session, accounts)
        self.profiles = profiles = Profiles(session, accounts, labels)
        self.rules = rules = Rules(session, accounts, labels, profiles)
        self.verdicts = verdicts = Verdicts(session, accounts, labels, profiles, rules)
        self.scores = scores = Scores(
            session, sources, accounts, labels, profiles, rules, verdicts
        )
        self.deals = Deals(session, accounts, profiles, rules, verdicts, scores)
        self.imports = Imports(session, sources, accounts, rules, self.deals)
        self.jobs = Jobs(session)

    def __enter__(self) -> Self:
        """The workspace itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Give the store's connections back."""
        self._session.store.close()

    @property
    def path(self) -> Path:
        """The folder."""
        return self._session.path

    @property
    def config(self) -> WorkspaceConfig:
        """What `icp.toml` says."""
        return self._session.config

    @property
    def actor(self) -> str:
        """Who is at work."""
        return self._session.actor

    @property
    def role(self) -> RoleName:
        """What they may do."""
        return self._session.role

    @needs("viewer")
    def status(self) -> WorkspaceStatus:
        """Where the workspace stands, and what to do next."""
        session, store = self._session, self._session.store
        last, labelling = self.imports.last(), store.last_labels()
        records, active = self.profiles.list(), self.profiles.active()
        run = next((run for run in store.runs() if run.bulk), None)
        steps = tuple(next_steps(session, last, labelling, records, active, run))
        return WorkspaceStatus(
            name=session.config.workspace.name or session.path.name,
            path=session.path,
            actor=session.actor,
            role=session.role,
            sources=session.config.sources,
            last_import=last,
            labels=labelling.counts if labelling else {},
            profiles=len(records),
            active=active,
            last_run=run,
            next_steps=steps or ("Open the dashboard: icp dashboard",),
        )

    @needs("viewer")
    def doctor(self) -> list[Check]:
        """Check the workspace: schema, hashes, event chain, files, library versions."""
        return list(examine(self._session))

    @needs("viewer")
    def events(self, *, limit: int = 100) -> pl.DataFrame:
        """What happened, newest first: seq, at, actor, kind, subject, payload, hash."""
        return self._session.store.events(limit)


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
    actor = actor or os.environ.get("ICP_ACTOR") or getpass.getuser()
    role = granted(actor, config.roles, role, signed_in=signed_in)
    data = folder / _DATA
    data.mkdir(exist_ok=True)
    place = os.environ.get("ICP_STORE") or data / "icp.db"
    store = Store(place, data / "bulk", clock=clock)
    return Workspace(Session(folder, config, store, actor=actor, role=role))
