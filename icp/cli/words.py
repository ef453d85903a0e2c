"""Profiles, scores and explanations in plain words, for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.profile import Profile, Segment
    from icp.scoring import Contribution, Score
    from icp.store.records import ProfileRecord, ScoreRun

__all__ = ["contribution_row", "profile_lines", "run_lines", "score_line"]

_LISTED = 8


def profile_lines(record: ProfileRecord, document: Profile, /) -> Iterator[str]:
    """What a profile says: how sure it is, its segments, what counts, what does not."""
    learnt, evidence = document.provenance, document.provenance.evidence
    yield (
        f"Profile {record.version} ({record.short_id}), learnt from "
        f"{learnt.best:,} best and {learnt.regrettable:,} regrettable customers"
    )
    yield _evidence(evidence.level, evidence.auc, evidence.auc_low, evidence.auc_high)
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
    yield from learnt.notes


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
