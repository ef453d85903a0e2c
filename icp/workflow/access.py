"""Who may do what: the one place where roles are enforced."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, Literal, ParamSpec, TypeVar

from icp.errors import PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from icp.workflow.lists import Lists


RoleName = Literal["viewer", "rep", "analyst", "admin"]

#: Each role may do what those before it may.
LADDER: Final[tuple[RoleName, ...]] = ("viewer", "rep", "analyst", "admin")

_P = ParamSpec("_P")
_R = TypeVar("_R")
_W = TypeVar("_W", bound="Lists")


def needs(
    role: RoleName, /
) -> Callable[[Callable[Concatenate[_W, _P], _R]], Callable[Concatenate[_W, _P], _R]]:
    """Let a method of `Workspace` be used from that role upwards only."""

    def decorate(
        method: Callable[Concatenate[_W, _P], _R],
    ) -> Callable[Concatenate[_W, _P], _R]:
        @wraps(method)
        def guarded(self: _W, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            if LADDER.index(self.role) < LADDER.index(role):
                message = (
                    f"{self.actor!r} is {self.role} here and this needs {role}; "
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
    asked: RoleName | None,
    /,
    *,
    signed_in: bool = False,
) -> RoleName:
    """The role a person has: what `[roles]` says, or less if less was asked for.

    Without any `[roles]` whoever works on this computer is admin, and whoever signed in
    is viewer. Somebody who is not listed is viewer.

    >>> granted("ann", {}, None), granted("ann", {}, "rep")
    ('admin', 'rep')
    >>> granted("ann", {"ann": "rep"}, "admin"), granted("bob", {"ann": "rep"}, None)
    ('rep', 'viewer')
    >>> granted("ann@example.com", {}, None, signed_in=True)
    'viewer'
    """
    anybody: RoleName = "viewer" if roles or signed_in else "admin"
    most = roles.get(actor, anybody)
    return min(most, asked or most, key=LADDER.index)
