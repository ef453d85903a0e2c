"""Scoring lists and single accounts with a profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from icp.errors import NotFoundError, SourceError
from icp.ingest.assemble import assemble
from icp.workflow import imports, labels, learning, writing
from icp.workflow.context import Progress, silent
from icp.workflow.rules import in_force
from icp.workflow.sources import read_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from icp.ingest import IngestResult
    from icp.ingest.plan import AssemblyPlan
    from icp.profile import Profile
    from icp.scoring import Explanation
    from icp.store.records import ScoreRun
    from icp.workflow.context import Context
    from icp.workflow.imports import Population


#: Makes the list that is kept of a scored one.
Finish = Callable[[pl.LazyFrame], pl.LazyFrame]
_CLOSED: Final = ("best", "regrettable")
_POPULATIONS: Final[tuple[Population, ...]] = ("prospects", "customers")


def same(scored: pl.LazyFrame, /) -> pl.LazyFrame:
    """The list as it was scored."""
    return scored


def score_prospects(
    context: Context,
    ref: str | int | None,
    /,
    progress: Progress = silent,
    *,
    finish: Finish = same,
) -> ScoreRun:
    """Score the newest import's prospects and keep the list.

    `finish` makes the list that is kept of the one that was scored.
    """
    from icp.scoring import score

    record = learning.record(context, ref)
    document = learning.profile(context, record.number)
    prospects = imports.accounts(context, "prospects")
    last = context.store.last_import()
    progress(0.05, "scoring the prospects")
    listed = score(prospects, document, disqualifiers=in_force(context))
    file = context.store.bulk.write(finish(listed))
    progress(0.9, "counting grades")
    run = {
        **_counted(context.store.bulk.scan(file.hash)),
        "profile": record.number,
        "import_number": last.number if last else None,
    }
    kept = context.store.record_scores(run, file, actor=context.actor)
    progress(1.0, "scored")
    return kept


def newest(context: Context, run: str | int | None = None, /) -> ScoreRun:
    """A scored list: the newest one, or the one of that number."""
    kept = [found for found in context.store.runs() if found.bulk]
    meant = [f for f in kept if run is None or str(f.number) == str(run)]
    if not meant:
        message = (
            "no prospects scored yet; run icp score"
            if run is None
            else f"no scored list {str(run)!r}; run icp score to make one"
        )
        raise NotFoundError(message)
    return meant[0]


def scored(context: Context, run: str | int | None, /) -> pl.LazyFrame:
    """The prospects' columns and their score columns."""
    found = newest(context, run)
    return context.store.bulk.scan(found.bulk or "")


def check(
    context: Context,
    asked: str | Mapping[str, object],
    ref: str | int | None,
    /,
) -> Explanation:
    """Why one account fits or not, beside the closed customers most like it."""
    from icp.scoring import explain

    document = learning.profile(context, ref)
    row = account(context, asked) if isinstance(asked, str) else asked
    return explain(
        row, document, customers=_closed(context), disqualifiers=in_force(context)
    )


def account(context: Context, asked: str, /) -> dict[str, Any]:
    """The one account with that id or name; prospects are looked at first.

    Names are compared without regard to case. Raises NotFoundError where there is no
    such account, or more than one.
    """
    for population in _POPULATIONS:
        found = _found(context, population, asked)
        if found.height == 1:
            return found.row(0, named=True)
        if found.height > 1:
            message = (
                f"{found.height} {population} are called that; ask for one by its "
                f"id: {', '.join(found['account_id'].head(5))}"
            )
            raise NotFoundError(message)
    message = f"no prospect or customer {asked!r}; give its full name or its id"
    raise NotFoundError(message)


def outliers(context: Context, population: Population, /) -> pl.LazyFrame:
    """Accounts far from all that was closed, with what makes them so."""
    from icp.scoring import outliers as far_out

    document = learning.profile(context, None)
    return far_out(imports.accounts(context, population), document)


def score_file(
    context: Context,
    source: Path,
    target: Path,
    ref: str | int | None,
    /,
    *,
    parts: bool,
    finish: Finish = same,
) -> ScoreRun:
    """Score a file into a file, batch by batch; the target appears when it is whole."""
    from icp.scoring import score

    record = learning.record(context, ref)
    document = learning.profile(context, record.number)
    writing.refuse_suffix(target)
    frame = score(
        _readable(context, source, document),
        document,
        parts=parts,
        disqualifiers=in_force(context),
    )
    writing.write(finish(frame), target)
    run = {
        **_counted(writing.scan(target)),
        "profile": record.number,
        "import_number": None,
        "target": target.name,
    }
    return context.store.record_scores(run, None, actor=context.actor)


def _found(context: Context, population: Population, asked: str) -> pl.DataFrame:
    frame = imports.present(context, population)
    if frame is None:
        return pl.DataFrame()
    by_id = frame.filter(pl.col("account_id") == asked).collect()
    if by_id.height:
        return by_id
    return frame.filter(imports.called(frame, asked)).collect()


def _closed(context: Context) -> pl.DataFrame | None:
    """The customers that turned out best or regrettable, to compare with."""
    try:
        frame = labels.labelled(context)
    except NotFoundError:
        return None
    return frame.filter(pl.col("outcome").is_in(_CLOSED)).collect()


def _readable(context: Context, source: Path, document: Profile) -> pl.LazyFrame:
    """Accounts of a file: as they are where they fit the profile, else as an export."""
    if not source.is_file():
        message = f"no file {source.name!r} there; check the path"
        raise SourceError(message)
    if source.suffix.lower() == ".parquet":
        scanned = pl.scan_parquet(source, glob=False)
        if _fits(scanned, document):
            return scanned
    return _exported(context, source)


def _fits(frame: pl.LazyFrame, document: Profile) -> bool:
    """Whether the profile's columns are there in their own types."""
    try:
        types = frame.collect_schema()
    except pl.exceptions.PolarsError:  # reading it as an export says what is wrong
        return False
    shared = [name for name in document.columns if name in types]
    return bool(shared) and all(
        types[name] == document.columns[name].dtype for name in shared
    )


def _exported(context: Context, source: Path) -> pl.LazyFrame:
    """Read a file like the workspace's own list of prospects."""
    for population in _POPULATIONS:
        plan = imports.plan_for(context, population)
        if plan is not None:
            result = read_as(context, source, plan.base)
            return assemble({plan.base: result}, _alone(plan, result)).accounts
    message = "no source tells how such a file is to be read; run icp import first"
    raise NotFoundError(message)


def _alone(plan: AssemblyPlan, result: IngestResult) -> AssemblyPlan:
    """The plan for one file: all its rows, no columns made of other sources."""
    there = {*result.schema.names, "account_id"}
    derived = []
    for column in plan.derived:
        if there.issuperset(pl.sql_expr(column.expression).meta.root_names()):
            there.add(column.name)
            derived.append(column)
    without = {"where": "", "lookups": (), "joins": (), "derived": tuple(derived)}
    return plan.model_copy(update=without)


def _counted(frame: pl.LazyFrame) -> dict[str, Any]:
    """Rows, those that could be scored, and how many got each grade."""
    counts = frame.group_by("grade").len().sort("grade").collect(engine="streaming")
    grades = {grade: rows for grade, rows in counts.iter_rows() if grade}
    return {
        "rows": sum(counts["len"]),
        "evaluable": sum(grades.values()),
        "grades": grades,
    }
