"""Every error and warning that `icp` raises on purpose.

```
IcpError                     base: message says what is wrong and what to do next
 ├─ InputError               exit code 3: the data a person gave cannot be used as it is
 │   ├─ SourceError          a file, sheet or query cannot be read
 │   ├─ MappingError         a column mapping does not fit the table
 │   ├─ SchemaError          a frame does not have the columns or types asked for
 │   ├─ PolicyError          an outcome rule or derived column cannot be evaluated
 │   ├─ RuleError            a disqualifier cannot be read, or may not change like that
 │   ├─ TooFewCustomersError not enough best or regrettable customers to learn from
 │   └─ ConfigError          icp.toml, a mapping file or a profile file is not valid
 ├─ StoreError               exit code 4: the store is missing, locked, newer or damaged
 │   ├─ ConflictError        somebody else changed the same thing meanwhile
 │   └─ NotFoundError        no such profile, run, account or job
 ├─ PermissionDeniedError    exit code 3: the role may not do this
 ├─ GateError                exit code 5: a check that was asked for failed
 └─ CancelledError           exit code 130: a person stopped a long job

IcpWarning                   base of warnings; each names columns, effect, next action
```

Messages count, name the noun and the object, list names in sorted order and end with
the next action. They never hold row values.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from icp.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable


class IcpError(Exception):
    """Base of every error that `icp` raises on purpose."""

    exit_code = 1


class InputError(IcpError):
    """The data a person gave cannot be used as it is."""

    exit_code = 3


class SourceError(InputError):
    """A file, sheet or query cannot be read."""


class MappingError(InputError):
    """A column mapping does not fit the table."""


class SchemaError(InputError):
    """A frame does not have the columns or types asked for."""


class PolicyError(InputError):
    """An outcome rule or a derived column cannot be evaluated."""


class RuleError(InputError):
    """A disqualifier or its condition cannot be read, or may not change like that."""


class TooFewCustomersError(InputError):
    """There are not enough best or regrettable customers to learn from."""


class ConfigError(InputError):
    """A configuration, mapping or profile document is not valid."""


class StoreError(IcpError):
    """The workspace's store is missing, locked, newer than this version or damaged."""

    exit_code = 4


class ConflictError(StoreError):
    """Somebody else changed the same thing meanwhile."""


class NotFoundError(StoreError):
    """No profile, run, account or job of that name exists."""


class PermissionDeniedError(IcpError):
    """The acting person's role may not do this."""

    exit_code = 3


class GateError(IcpError):
    """A check that the caller asked for failed."""

    exit_code = 5


class CancelledError(IcpError):
    """A person stopped a long job."""

    exit_code = 130


class IcpWarning(UserWarning):
    """Base of every warning that `icp` gives on purpose."""


def near(name: str, names: Iterable[str], /) -> str:
    """What to do about an unknown name: the nearest known one, or the list.

    >>> near("industri", ["industry", "size"]), near("x", ["a"])
    ("did you mean 'industry'?", "it has 1 name: 'a'")
    """
    public = sorted(name for name in names if not name.startswith("__"))
    close = get_close_matches(name, public, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"it has {counted(public, 'name')}" if public else "there are none"
