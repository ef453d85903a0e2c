"""Looks a workspace over: schema, hashes, event chain, library versions."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from icp.errors import ConfigError, IcpError
from icp.profile import Profile
from icp.workflow.results import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from icp.config import SourceConfig
    from icp.store.records import ProfileRecord
    from icp.workflow.context import Context


_LIBRARIES: Final = ("polars", "pydantic", "sqlalchemy", "streamlit", "plotly")
_RESTORE: Final = "restore the workspace's .icp folder from a backup"


def examine(context: Context, /) -> list[Check]:
    """Every check, in order; a check that cannot run has failed."""
    checks: list[Check] = [libraries()]
    for look in (_database, _events, _tables, _profiles, _sources, _jobs):
        checks.extend(_tried(look, context))
    return checks


def libraries() -> Check:
    """Which Python and which libraries are at work."""
    python = ".".join(map(str, sys.version_info[:3]))
    found = [f"{name} {_version(name)}" for name in _LIBRARIES]
    return Check(
        name="libraries", state="ok", message=f"Python {python}, {', '.join(found)}"
    )


def _tried(look: Callable[[Context], Iterator[Check]], context: Context) -> list[Check]:
    try:
        return list(look(context))
    except ConfigError as error:  # says itself what to do
        return [_failed(look, str(error))]
    except IcpError as error:
        return [_failed(look, str(error), _RESTORE)]
    except ValueError as error:  # a stored value that is none of its kind
        return [_failed(look, f"cannot be read ({type(error).__name__})", _RESTORE)]


def _failed(look: Callable[..., object], message: str, action: str = "") -> Check:
    name = look.__name__.lstrip("_")
    return Check(name=name, state="failed", message=message, action=action)


def _database(context: Context) -> Iterator[Check]:
    problem = context.store.database.problem()
    yield Check(
        name="database",
        state="failed" if problem else "ok",
        message=problem or context.store.database.describe(),
        action=_RESTORE if problem else "",
    )


def _events(context: Context) -> Iterator[Check]:
    count = context.store.verify_events()
    yield Check(name="events", state="ok", message=f"{count} events, unbroken")


def _tables(context: Context) -> Iterator[Check]:
    files = context.store.bulk_files()
    damaged = {f.hash[:12]: context.store.bulk.damage(f) for f in files}
    damaged = {name: problem for name, problem in damaged.items() if problem}
    for name, problem in damaged.items():
        message = f"stored table {name} {problem}"
        yield Check(name="tables", state="failed", message=message, action=_RESTORE)
    if not damaged:
        message = f"{len(files)} stored tables, as they were written"
        yield Check(name="tables", state="ok", message=message)


def _profiles(context: Context) -> Iterator[Check]:
    records = context.store.profiles()
    changed = [p.version for p in records if not _intact(context, p)]
    yield Check(
        name="profiles",
        state="failed" if changed else "ok",
        message=(
            f"changed after they were learnt: {', '.join(changed)}"
            if changed
            else f"{len(records)} profiles, as they were learnt"
        ),
        action=_RESTORE if changed else "",
    )


def _intact(context: Context, record: ProfileRecord) -> bool:
    try:
        stored = Profile.from_json(context.store.profile_json(record.number))
    except ConfigError:
        return False
    return record.id in {stored.id, stored.former_id} and context.store.as_learnt(
        record.number
    )


def _sources(context: Context) -> Iterator[Check]:
    places = {s.name: context.config.location(s, context.path) for s in _files(context)}
    gone = [name for name, place in places.items() if not Path(place).is_file()]
    yield Check(
        name="sources",
        state="warning" if gone else "ok",
        message=(
            f"files not found: {', '.join(sorted(gone))}"
            if gone
            else f"{len(context.config.sources)} sources"
        ),
        action="put the files back or correct their path in icp.toml" if gone else "",
    )


def _files(context: Context) -> list[SourceConfig]:
    return [source for source in context.config.sources if source.path]


def _jobs(context: Context) -> Iterator[Check]:
    lost = sum(job.state == "lost" for job in context.store.jobs.all())
    yield Check(
        name="jobs",
        state="warning" if lost else "ok",
        message=f"{lost} jobs were lost" if lost else "no job was lost",
        action="start them again where their result is missing" if lost else "",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
