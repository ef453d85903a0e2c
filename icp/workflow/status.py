"""Where a workspace stands, what to do next, and whether all of it is sound."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from icp.errors import ConfigError, IcpError, some
from icp.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from icp.config import SourceConfig
    from icp.store.records import LabelRecord, ProfileRecord, ScoreRun
    from icp.workflow.access import Session
    from icp.workflow.imports import ImportSummary


#: Customers from which on learning says anything.
LEAST: Final = {"best": 15, "regrettable": 10}
_LIBRARIES: Final = ("polars", "pydantic", "sqlalchemy", "streamlit", "plotly")
_RESTORE: Final = "restore the workspace's .icp folder from a backup"


@dataclass(frozen=True, kw_only=True)
class WorkspaceStatus:
    """Where a workspace stands, and what to do next."""

    name: str
    path: Path
    actor: str
    role: str
    sources: tuple[SourceConfig, ...]
    last_import: ImportSummary | None
    #: Accounts per outcome of the last labelling; empty before the first.
    labels: dict[str, int]
    profiles: int
    active: ProfileRecord | None
    last_run: ScoreRun | None
    #: Whole sentences, the most useful first; never empty.
    next_steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that `icp doctor` looked at."""

    name: str
    state: Literal["ok", "warning", "failed"]
    message: str
    #: The next action; empty where nothing needs doing.
    action: str = ""


def next_steps(
    session: Session,
    last: ImportSummary | None,
    labelling: LabelRecord | None,
    profiles: Sequence[ProfileRecord],
    in_force: ProfileRecord | None,
    run: ScoreRun | None,
    /,
) -> Iterator[str]:
    """What to do next, as whole sentences, the most useful first."""
    if not session.config.sources:
        yield "Add your customers: icp import FILE"
    elif last is None:
        yield "Import the sources: icp import"
    elif not last.customers:
        yield "Add the customers to learn from: icp import FILE --as accounts"
    elif labelling is None or labelling.import_number != last.number:
        yield "Say which customers were best and which regrettable: icp label"
    elif few := _too_few(labelling):
        yield few
    elif not profiles or profiles[0].label_number != labelling.number:
        yield "Learn a profile from the newest outcomes: icp learn"
    yield from _about_profiles(profiles, in_force)
    yield from _about_scores(last, in_force, run)
    proposed = sum(rule.state == "proposed" for rule in session.store.rules.all())
    if proposed:
        yield f"Decide about {some(proposed, 'proposed rule')}: icp rules list"
    exits = session.store.deals.exits(only_open=True)
    if awake := sum(exit_.woke_at is not None for exit_ in exits):
        yield f"Look again at {some(awake, 'account')}: icp deal exits --due"
    if questions := last.count("ask") if last else 0:
        count = some(questions, "question")
        yield f"Answer {count} about the imported data: icp import lists them"


def _too_few(labelling: LabelRecord) -> str:
    """What to do where learning would refuse; empty where it would not."""
    for outcome, least in LEAST.items():
        count = labelling.counts.get(outcome, 0)
        if count < least:
            return (
                f"Only {count} customers are {outcome}, {least} are needed: change "
                "[outcome] in icp.toml, or import more, and look with icp label "
                "--preview"
            )
    return ""


def _about_profiles(
    profiles: Sequence[ProfileRecord], in_force: ProfileRecord | None
) -> Iterator[str]:
    newest = profiles[0] if profiles else None
    if newest and (in_force is None or newest.number > in_force.number):
        activate = f"icp profile activate {newest.version}"
        yield f"Look at profile {newest.version} and put it in force: {activate}"


def _about_scores(
    last: ImportSummary | None, in_force: ProfileRecord | None, run: ScoreRun | None
) -> Iterator[str]:
    if last is None or in_force is None:
        return
    if not last.prospects:
        yield "Add the prospects to score: icp import FILE --as prospects"
    elif run is None or (run.profile, run.import_number) != (
        in_force.number,
        last.number,
    ):
        yield "Score the prospects: icp score"


# ----------------------------------------------------------------------- doctor


def examine(session: Session, /) -> Iterator[Check]:
    """Every check, in order; a check that cannot run has failed."""
    yield libraries()
    for check in (_database, _events, _tables, _profiles, _sources, _jobs):
        yield from _outcome(check, session)


def libraries() -> Check:
    """Which Python and which libraries are at work."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = [f"{name} {_version(name)}" for name in _LIBRARIES]
    return Check(
        name="libraries", state="ok", message=f"Python {python}, {', '.join(versions)}"
    )


def _outcome(
    check: Callable[[Session], Iterator[Check]], session: Session
) -> list[Check]:
    try:
        return list(check(session))
    except ConfigError as error:  # says itself what to do
        return [_failed(check, str(error))]
    except IcpError as error:
        return [_failed(check, str(error), _RESTORE)]
    except ValueError as error:  # a stored value that is none of its kind
        return [_failed(check, f"cannot be read ({type(error).__name__})", _RESTORE)]


def _failed(check: Callable[..., object], message: str, action: str = "") -> Check:
    name = check.__name__.lstrip("_")
    return Check(name=name, state="failed", message=message, action=action)


def _database(session: Session) -> Iterator[Check]:
    problem = session.store.database.problem()
    yield Check(
        name="database",
        state="failed" if problem else "ok",
        message=problem or session.store.database.describe(),
        action=_RESTORE if problem else "",
    )


def _events(session: Session) -> Iterator[Check]:
    count = session.store.verify_events()
    yield Check(name="events", state="ok", message=f"{count} events, unbroken")


def _tables(session: Session) -> Iterator[Check]:
    files = session.store.bulk_files()
    damaged = {f.hash[:12]: session.store.bulk.damage(f) for f in files}
    damaged = {name: problem for name, problem in damaged.items() if problem}
    for name, problem in damaged.items():
        message = f"stored table {name} {problem}"
        yield Check(name="tables", state="failed", message=message, action=_RESTORE)
    if not damaged:
        message = f"{len(files)} stored tables, as they were written"
        yield Check(name="tables", state="ok", message=message)


def _profiles(session: Session) -> Iterator[Check]:
    records = session.store.profiles()
    changed = [p.version for p in records if not _intact(session, p)]
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


def _intact(session: Session, record: ProfileRecord) -> bool:
    try:
        stored = Profile.from_json(session.store.profile_json(record.number))
    except ConfigError:
        return False
    return stored.id == record.id


def _sources(session: Session) -> Iterator[Check]:
    places = {s.name: session.config.location(s, session.path) for s in _files(session)}
    missing = [name for name, place in places.items() if not Path(place).is_file()]
    yield Check(
        name="sources",
        state="warning" if missing else "ok",
        message=(
            f"files not found: {', '.join(sorted(missing))}"
            if missing
            else f"{len(session.config.sources)} sources"
        ),
        action="put the files back or correct their path in icp.toml"
        if missing
        else "",
    )


def _files(session: Session) -> list[SourceConfig]:
    return [source for source in session.config.sources if source.path]


def _jobs(session: Session) -> Iterator[Check]:
    lost = sum(job.state == "lost" for job in session.store.jobs.all())
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
