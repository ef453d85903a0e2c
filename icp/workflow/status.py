"""Where a workspace stands, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from icp.words import plural
from icp.workflow import imports, learning
from icp.workflow.results import WorkspaceStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.store.records import LabelRecord, ProfileRecord, ScoreRun
    from icp.workflow.access import RoleName
    from icp.workflow.context import Context
    from icp.workflow.results import ImportSummary


#: Customers from which on learning says anything.
LEAST: Final = {"best": 15, "regrettable": 10}


def status(context: Context, role: RoleName, /) -> WorkspaceStatus:
    """Gather the newest of everything; reads only."""
    last, labelling = imports.last_import(context), context.store.last_labels()
    profiles = context.store.profiles()
    runs = [run for run in context.store.runs() if run.bulk]
    run = runs[0] if runs else None
    in_force = learning.active(context)
    steps = _steps(context, last, labelling, profiles, in_force, run)
    return WorkspaceStatus(
        name=context.config.workspace.name or context.path.name,
        path=context.path,
        actor=context.actor,
        role=role,
        sources=context.config.sources,
        last_import=last,
        labels=labelling.counts if labelling else {},
        profiles=len(profiles),
        active=in_force,
        last_run=run,
        next_steps=tuple(steps) or ("Open the dashboard: icp dashboard",),
    )


def _steps(
    context: Context,
    last: ImportSummary | None,
    labelling: LabelRecord | None,
    profiles: list[ProfileRecord],
    in_force: ProfileRecord | None,
    run: ScoreRun | None,
) -> Iterator[str]:
    if not context.config.sources:
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
    proposed = sum(rule.state == "proposed" for rule in context.store.rules.all())
    if proposed:
        yield f"Decide about {plural(proposed, 'proposed rule')}: icp rules list"
    woke = [e for e in context.store.deals.exits(only_open=True) if e.woke_at]
    if woke:
        count = plural(len(woke), "account")
        yield f"Look at {count} that woke up: icp deal exits --awake"
    if last is not None and last.count("ask"):
        questions = plural(last.count("ask"), "question")
        yield f"Answer {questions} about the imported data: icp import lists them"


def _too_few(labelling: LabelRecord) -> str:
    """What to do where learning would refuse; empty where it would not."""
    for outcome, least in LEAST.items():
        there = labelling.counts.get(outcome, 0)
        if there < least:
            return (
                f"Only {there} customers are {outcome}, {least} are needed: change "
                "[outcome] in icp.toml, or import more, and look with icp label "
                "--preview"
            )
    return ""


def _about_profiles(
    profiles: list[ProfileRecord], in_force: ProfileRecord | None
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
