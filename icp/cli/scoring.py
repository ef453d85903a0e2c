"""Scoring lists and single prospects: score, check, explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from icp.cli.deals import currency_of, judgement_document, verdict_lines
from icp.cli.screen import (
    JsonFlag,
    ProfileRef,
    WorkspaceFolder,
    contribution_row,
    emit,
    note,
    opened,
    progress,
    run_lines,
    say,
    say_next,
    score_line,
    table,
)
from icp.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from icp.scoring import Explanation


_Account = Annotated[str, typer.Argument(help="Name or id of a prospect or customer.")]
_TOP = 10


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    for command in (score, check, explain):
        app.command()(command)


def score(
    file: Annotated[
        Path | None,
        typer.Argument(help="List to score; the workspace's prospects if left out."),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write: .csv or .parquet."),
    ] = None,
    parts: Annotated[
        bool, typer.Option("--parts", help="Also write each attribute's points.")
    ] = False,
    verdicts: Annotated[
        bool,
        typer.Option("--verdicts", help="Also say what to do, why, what to ask."),
    ] = False,
    profile: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Score the prospects, or a file into another.

    With --verdicts the columns verdict, verdict_reasons, next_question and
    expected_value are added.

    Example: icp score list.parquet --out scored.parquet
    """
    if (file is None) != (out is None) or (parts and file is None):
        message = "scoring a file needs FILE and --out; --parts is for files only"
        raise InputError(message)
    with opened(workspace) as open_one:
        if file is not None and out is not None:
            run = open_one.scores.score_file(
                file, out, parts=parts, verdicts=verdicts, profile=profile
            )
            best = None
        else:
            with progress(quiet=json) as report:
                run = open_one.scores.run(
                    profile=profile, verdicts=verdicts, progress=report
                )
            best = _best(open_one.scores.scored(run.number))
        steps = open_one.status().next_steps
    if json:
        emit(run)
        return
    for line in run_lines(run):
        say(line)
    if best is not None:
        say()
        table(("prospect", "fit", "grade", "nearest to"), best.rows())
        say_next(steps)


def check(
    account: _Account,
    *,
    invested: Annotated[
        float,
        typer.Option("--invested", min=0, help="Money spent already; shown only."),
    ] = 0.0,
    profile: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Check one prospect: fit, reasons, look-alikes, and what to do.

    The verdict comes with its grounds, the money behind it, the next best question,
    the way out in words, and what would change it. What is not known is named too.

    Example: icp check "Nordwind Retail"
    """
    with opened(workspace) as open_one:
        judged = open_one.verdicts.judge(account, profile=profile, invested=invested)
        currency = currency_of(open_one)
    if json:
        emit(judgement_document(judged))
        return
    found = judged.explanation
    say(score_line(found.score))
    for sentence in found.sentences():
        say(f"  {sentence}")
    for nearest in found.nearest:
        say(str(nearest))
    _show_similar(found)
    unknown = ", ".join(part.title or part.name for part in found.unknown)
    say(f"Not known: {unknown or 'nothing'}")
    say()
    for line in verdict_lines(judged.verdict, currency=currency, left=judged.left):
        say(line)
    for remark in judged.notes:
        note(remark)


def explain(
    account: _Account,
    *,
    profile: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List every attribute's points for one prospect.

    They add up exactly to its margin.

    Example: icp explain P-20001
    """
    with opened(workspace) as open_one:
        found = open_one.scores.check(account, profile=profile)
    if json:
        emit(found)
        return
    say(score_line(found.score))
    say()
    rows = [contribution_row(part) for part in found.contributions]
    base = ("start", "", f"{found.score.base:+,}", "before anything is known")
    total = ("margin", "", f"{found.score.margin:+,}", "the sum, in millinats")
    table(("attribute", "value", "points", "why"), [base, *rows, total])


def _best(scored: pl.LazyFrame) -> pl.DataFrame:
    import polars as pl

    columns = scored.collect_schema()
    name = "account_name" if "account_name" in columns else "account_id"
    return (
        scored.filter(pl.col("fit").is_not_null())
        .select(
            pl.coalesce(name, "account_id").alias("prospect"),
            "fit",
            "grade",
            "nearest_best",
            "account_id",
        )
        .top_k(_TOP, by="fit")
        .sort("fit", "account_id", descending=[True, False])
        .drop("account_id")
        .collect(engine="streaming")
    )


def _show_similar(found: Explanation) -> None:
    if found.similar is None or found.similar.is_empty():
        return
    say("Most similar customers:")
    names = ("account_name", "account_id", "outcome", "similarity")
    present = [name for name in names if name in found.similar.columns]
    table(
        [name.replace("_", " ").removeprefix("account ") for name in present],
        [
            [f"{v:.0%}" if isinstance(v, float) else v for v in row]
            for row in found.similar.select(present).rows()
        ],
    )
