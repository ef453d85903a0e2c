"""Who may do what, and what every use case works on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from icp.config import CONFIG_FILE, RoleName, edited, load_config
from icp.errors import PermissionDeniedError
from icp.store.bulk import replaced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from icp.config import WorkspaceConfig
    from icp.store.store import Store


#: Called with the share done (0 to 1) and a message; may raise CancelledError.
Progress = Callable[[float, str], None]

#: Each role may do what those before it may.
LADDER: Final[tuple[RoleName, ...]] = ("viewer", "rep", "analyst", "admin")

_P = ParamSpec("_P")
_R = TypeVar("_R")
_A = TypeVar("_A", bound="Area")


class Session:
    """An open workspace: its folder, its settings, its store, and who is at work."""

    def __init__(
        self,
        path: Path,
        config: WorkspaceConfig,
        store: Store,
        /,
        *,
        actor: str,
        role: RoleName,
    ) -> None:
        self.path = path
        self.config = config
        self.store = store
        self.actor = actor
        self.role = role

    def today(self) -> date:
        """The day it is."""
        return self.store.database.clock().date()

    def rewrite(self, change: Callable[[str], str], /) -> None:
        """Change the text of `icp.toml`: the file is the old or the new, never half.

        The store's lock is held meanwhile, so that two people's changes both stay.
        """
        file = self.path / CONFIG_FILE
        with self.store.database.write(self.actor), replaced(file) as temporary:
            text = edited(file.read_text(encoding="utf-8-sig"), change)
            temporary.write_text(text, encoding="utf-8")
        self.reload()

    def reload(self) -> None:
        """Read `icp.toml` again."""
        self.config = load_config(self.path / CONFIG_FILE)


class Area:
    """Use cases that belong together, each with the role that it needs."""

    def __init__(self, session: Session, /) -> None:
        self._session = session


def needs(
    role: RoleName, /
) -> Callable[[Callable[Concatenate[_A, _P], _R]], Callable[Concatenate[_A, _P], _R]]:
    """Let a use case be used from that role upwards only."""

    def decorate(
        method: Callable[Concatenate[_A, _P], _R],
    ) -> Callable[Concatenate[_A, _P], _R]:
        @wraps(method)
        def guarded(self: _A, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            session = self._session
            if LADDER.index(session.role) < LADDER.index(role):
                message = (
                    f"{session.actor!r} is {session.role} here and this needs {role}; "
                    "ask an admin to change [roles] in icp.toml"
                )
                raise PermissionDeniedError(message)
            return method(self, *args, **kwargs)

        guarded.__dict__["needs"] = role
        return guarded

    return decorate


def granted(
    actor: str,
    roles: Mapping[str, RoleName],
    limit: RoleName | None,
    /,
    *,
    signed_in: bool = False,
) -> RoleName:
    """The role a person has: what `[roles]` says, or less where `limit` is less.

    Without any `[roles]` whoever works on this computer is admin, and whoever signed in
    is viewer. Somebody who is not listed is viewer.

    >>> granted("ann", {}, None), granted("ann", {}, "rep")
    ('admin', 'rep')
    >>> granted("ann", {"ann": "rep"}, "admin"), granted("bob", {"ann": "rep"}, None)
    ('rep', 'viewer')
    >>> granted("ann@example.com", {}, None, signed_in=True)
    'viewer'
    """
    default: RoleName = "viewer" if roles or signed_in else "admin"
    most = roles.get(actor, default)
    return min(most, limit or most, key=LADDER.index)


def silent(done: float, message: str, /) -> None:
    """The progress that nobody follows."""


def part_of(progress: Progress, start: float, end: float, /) -> Progress:
    """A progress that fills only the part from `start` to `end` of another.

    >>> part_of(lambda done, message: print(done, message), 0.5, 1.0)(0.5, "half")
    0.75 half
    """
    return lambda done, message: progress(start + (end - start) * done, message)
