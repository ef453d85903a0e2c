"""Profiles, scores and explanations in plain words, for the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.mapping import ColumnMapping
    from icp.profile import Profile, Segment
    from icp.scoring import Contribution, Score
    from icp.store.records import ProfileRecord, ScoreRun
    from icp.workflow import WorkspaceStatus

__all__ = [
    "MAPPING",
    "contribution_row",
    "mapping_rows",
    "profile_lines",
    "run_lines",
    "score_line",
    "status_lines",
]

_LISTED = 8
#: What `mapping_rows` gives.
MAPPING: Final = ("column", "becomes", "known", "kind", "why")
#: When a column is known, shorter than the role's own name.
_KNOWN: Final = {
    "known_at_first_contact": "first contact",
    "known_at_qualification": "qualification",
    "after_sale": "after sale",
}
#: A rule less sure than this is a guess that a person should look at.
_SURE: Final = 0.65
#: Refusals that a person can answer for; the others have nothing to learn from.
_USELESS: Final = {"empty", "identifier", "constant", "rare", "copy"}
_PLAIN_REASON: Final = re.compile(r"^the header '.*' means \w+(: )?")
_UNKNOWN_NAME: Final = "its name is not in the dictionary; say when it is known"


def mapping_rows(mapping: ColumnMapping, /) -> Iterator[tuple[str, ...]]:
    """What each column is taken for; a guess carries a question mark."""
    for rule in mapping.columns:
        known = _KNOWN.get(rule.role.value, rule.role.value)
        sure = rule.confirmed or rule.score >= _SURE
        why = _PLAIN_REASON.sub("", rule.reason).removeprefix("; ")
        why = why.replace(_UNKNOWN_NAME, "a guess: unknown name") or "known name"
        yield (
            rule.source,
            rule.name,
            known if sure else f"{known}?",
            rule.kind.value,
            why,
        )


def profile_lines(record: ProfileRecord, document: Profile, /) -> Iterator[str]:
    """What a profile says: how sure it is, its segments, what counts, what does not."""
    learnt, evidence = document.provenance, document.provenance.evidence
    yield (
        f"Profile {record.version} ({record.short_id}), learnt from "
        f"{learnt.best:,} best and {learnt.regrettable:,} regrettable customers"
    )
    yield _evidence(evidence.level, evidence.auc, evidence.auc_low, evidence.auc_high)
    if learnt.capacity:
        yield learnt.capacity.in_words()
    for segment in document.segments:
        yield _segment(segment)
    tables = sorted(document.tables, key=lambda t: (-t.information, t.name))
    telling = [t.title or t.name for t in tables if t.information][:_LISTED]
    if telling:
        yield f"What tells most: {', '.join(telling)}"
    for finding in learnt.findings:
        kept = "Left out" if finding.excluded else "Look at"
        said = finding.message.removeprefix(f"{finding.column}: ")
        yield f"{kept} {finding.column}: {said}"
    refused = [f for f in learnt.findings if f.excluded and f.code not in _USELESS]
    if refused:
        yield (
            "If one of these is surely known before the sale: "
            f'icp learn --accept {refused[0].column} --why "..."'
        )
    yield from learnt.notes


def status_lines(state: WorkspaceStatus, /) -> Iterator[str]:
    """Where a workspace stands."""
    yield f"Workspace {state.name!r}; {state.actor} is {state.role}"
    names = ", ".join(f"{s.name} ({s.object})" for s in state.sources)
    yield f"Sources: {names or 'none yet'}"
    last = state.last_import
    if last:
        yield (
            f"Import {last.number} of {last.created_at:%Y-%m-%d}: "
            f"{last.customers:,} customers, {last.prospects:,} prospects, "
            f"{last.quarantined:,} rows kept out"
        )
    if state.labels:
        counts = ", ".join(f"{n:,} {outcome}" for outcome, n in state.labels.items())
        yield f"Outcomes: {counts}"
    if state.profiles:
        force = state.active.version if state.active else "none"
        yield f"Profiles: {state.profiles}, in force: {force}"
    run = state.last_run
    if run:
        yield f"Newest scores: {run.rows:,} prospects with profile v{run.profile}"


def run_lines(run: ScoreRun, /) -> Iterator[str]:
    """How a list was graded."""
    yield (
        f"{run.rows:,} scored with profile v{run.profile}: "
        f"{run.evaluable:,} evaluable, "
        f"{run.rows - run.evaluable:,} not (too little known, or unlike all before)"
    )
    for grade, rows in sorted(run.grades.items()):
        yield f"  {grade}: {rows:,}"


def score_line(score: Score, /) -> str:
    """Fit, grade and interval in one sentence."""
    if score.fit is None:
        return f"Not evaluable: {score.why_not}"
    said = f"Fit {score.fit:.1f} of 100, grade {score.grade}"
    if score.p_best is None or score.p_low is None or score.p_high is None:
        return said
    return (
        f"{said}; among companies like those you closed {score.p_best:.0%} are best "
        f"({score.p_low:.0%} to {score.p_high:.0%})"
    )


def contribution_row(part: Contribution, /) -> tuple[object, ...]:
    """An attribute, the account's value, its points, and why."""
    return (part.title or part.name, part.value, f"{part.points:+,}", part.text)


def _evidence(level: str, auc: float, low: float, high: float) -> str:
    if level == "none":
        return "No attribute separates best from regrettable; nothing can be scored"
    return (
        f"Evidence: {level}; shown one best and one regrettable customer, it tells "
        f"which is which in {auc:.0%} of cases ({low:.0%} to {high:.0%})"
    )


def _segment(segment: Segment) -> str:
    traits = "; ".join(segment.traits) or "no trait stands out"
    kind = "Best" if segment.kind == "best" else "Regrettable"
    return f"{kind} segment {segment.name} ({segment.size:,} customers): {traits}"
