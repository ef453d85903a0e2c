"""What the home page says about a workspace, in words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.dashboard.text import day

if TYPE_CHECKING:
    from icp.dashboard.routes import Route
    from icp.outcomes import LabelPreview
    from icp.workflow import WorkspaceStatus

__all__ = ["headline", "next_page", "split", "split_of", "steps"]


def headline(status: WorkspaceStatus, /) -> dict[str, tuple[str, str]]:
    """The four numbers on top: label -> (value, basis)."""
    return {
        "Customers": _customers(status),
        "Best and regrettable": _labels(status),
        "Profile in force": _profile(status),
        "Prospects with a fit": _prospects(status),
    }


def _customers(status: WorkspaceStatus) -> tuple[str, str]:
    last = status.last_import
    if last is None:
        return "–", "nothing imported yet"
    files = "file" if len(last.sources) == 1 else "files"
    return (
        f"{last.customers:,}",
        f"from {len(last.sources)} {files}, {day(last.created_at)}",
    )


def _labels(status: WorkspaceStatus) -> tuple[str, str]:
    if not status.labels:
        return "–", "no customer is labelled yet"
    best, bad = (status.labels.get(name, 0) for name in ("best", "regrettable"))
    rest = sum(status.labels.values()) - best - bad
    return f"{best:,} / {bad:,}", f"{rest:,} neutral or too young to judge"


def _profile(status: WorkspaceStatus) -> tuple[str, str]:
    if status.active is None:
        return "–", "none is in force"
    return status.active.version, f"evidence: {status.active.evidence}"


def _prospects(status: WorkspaceStatus) -> tuple[str, str]:
    run = status.last_run
    if run is None:
        return "–", "no prospects scored yet"
    return f"{run.evaluable:,}", f"of {run.rows:,}, {day(run.created_at)}"


def next_page(status: WorkspaceStatus, /) -> tuple[Route, str]:
    """Where the next step is taken, and how the link to it reads."""
    if status.active is None:
        return "data", "Go to import and learn"
    if status.last_run is None:
        return "data", "Go to import and learn, and score the prospects"
    return "prospects", "Go to the prospects"


def steps(status: WorkspaceStatus, /) -> tuple[str, ...]:
    """What to do next, without the commands that do the same elsewhere."""
    waiting = [
        step.partition(": icp ")[0]
        for step in status.next_steps
        if not step.endswith("icp dashboard")
    ]
    return tuple(waiting[:3]) or ("Nothing is waiting. Look through your prospects.",)


def split(preview: LabelPreview, /) -> pl.DataFrame:
    """`outcome`, `customers`, `worth` of a label preview, for the chart."""
    return pl.DataFrame(
        {
            "outcome": list(preview.counts),
            "customers": list(preview.counts.values()),
            "worth": [preview.money[outcome] for outcome in preview.counts],
        },
        schema={"outcome": pl.String, "customers": pl.Int64, "worth": pl.Float64},
    )


def split_of(labelled: pl.LazyFrame, /) -> pl.DataFrame:
    """The same of customers whose labels were kept."""
    worth = pl.col("worth").drop_nulls()
    return (
        labelled.group_by("outcome")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.when(worth.len() > 0).then(worth.sum()).alias("worth"),
        )
        .collect()
    )
