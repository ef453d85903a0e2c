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
    open_space,
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
        typer.Argument(help="List to score. Default: the workspace's prospects."),
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
        typer.Option("--verdicts", help="Also write each verdict with its reasons."),
    ] = False,
    profile: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Score the prospects, or a file.

    --verdicts adds the columns verdict, verdict_reasons, next_question and
    expected_value.

    Example: icp score list.parquet --out scored.parquet
    """
    if (file is None) != (out is None) or (parts and file is None):
        message = "to score a file, use FILE and --out; --parts is for files only"
        raise InputError(message)
    with open_space(workspace) as space:
        if file is not None and out is not None:
            run = space.scores.score_file(
                file, out, parts=parts, verdicts=verdicts, profile=profile
            )
            best = None
        else:
            with progress(quiet=json) as report:
                run = space.scores.run(
                    profile=profile, verdicts=verdicts, progress=report
                )
            best = _best(space.scores.scored(run.number))
        steps = space.status().next_steps
    if json:
        emit(run)
        return
    for line in run_lines(run):
        say(line)
    if best is not None:
        say()
        table(("prospect", "fit", "grade", "nearest segment"), best.rows())
        say_next(steps)


def check(
    account: _Account,
    *,
    invested: Annotated[
        float,
        typer.Option(
            "--invested", min=0, help="Money already spent; it changes nothing."
        ),
    ] = 0.0,
    profile: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Check one prospect: fit, reasons, similar customers, and what to do.

    The verdict comes with its reasons, the money behind it, the next question, what to
    say on the way out, and what would change it. What is not known is listed too.

    Example: icp check "Nordwind Retail"
    """
    with open_space(workspace) as space:
        judgement = space.verdicts.judge(account, profile=profile, invested=invested)
        currency = currency_of(space)
    if json:
        emit(judgement_document(judgement))
        return
    explanation = judgement.explanation
    say(score_line(explanation.score))
    for sentence in explanation.sentences():
        say(f"  {sentence}")
    for nearest in explanation.nearest:
        say(str(nearest))
    _show_similar(explanation)
    unknown = ", ".join(part.title or part.name for part in explanation.unknown)
    if unknown:
        say(f"Not known: {unknown}")
    say()
    for line in verdict_lines(
        judgement.verdict, currency=currency, left=judgement.left
    ):
        say(line)
    for remark in judgement.notes:
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
    with open_space(workspace) as space:
        explanation = space.scores.check(account, profile=profile)
    if json:
        emit(explanation)
        return
    say(score_line(explanation.score))
    say()
    rows = [contribution_row(part) for part in explanation.contributions]
    base = (
        "base",
        "",
        f"{explanation.score.base:+,}",
        "what every account starts with",
    )
    total = ("margin", "", f"{explanation.score.margin:+,}", "their sum, in millinats")
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


def _show_similar(explanation: Explanation) -> None:
    similar = explanation.similar
    if similar is None or similar.is_empty():
        return
    say("Most similar customers:")
    names = ("account_name", "account_id", "outcome", "similarity")
    columns = [name for name in names if name in similar.columns]
    table(
        [name.replace("_", " ").removeprefix("account ") for name in columns],
        [
            [f"{v:.0%}" if isinstance(v, float) else v for v in row]
            for row in similar.select(columns).rows()
        ],
    )
