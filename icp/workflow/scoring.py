"""Scoring lists and single accounts with a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.errors import NotFoundError, SourceError
from icp.ingest.assemble import assemble
from icp.output import refuse_suffix, scan, write
from icp.workflow.access import Area, Progress, Session, needs, silent
from icp.workflow.accounts import PROSPECTS_FIRST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.ingest import IngestResult
    from icp.ingest.plan import AssemblyPlan
    from icp.ingest.propose_plan import Population
    from icp.profile import Profile
    from icp.scoring import Explanation
    from icp.store.records import ScoreRun
    from icp.workflow.accounts import Accounts
    from icp.workflow.judging import Verdicts
    from icp.workflow.labels import Labels
    from icp.workflow.learning import Profiles
    from icp.workflow.rulebook import Rules
    from icp.workflow.sources import Sources


class Scores(Area):
    """Accounts scored with a profile: lists, files, and one by one.

    With `verdicts` a list also gets the verdict, its reasons, the next best question
    and the expected value of pursuing.
    """

    def __init__(
        self,
        session: Session,
        sources: Sources,
        accounts: Accounts,
        labels: Labels,
        profiles: Profiles,
        rules: Rules,
        verdicts: Verdicts,
        /,
    ) -> None:
        super().__init__(session)
        self._sources = sources
        self._accounts = accounts
        self._labels = labels
        self._profiles = profiles
        self._rules = rules
        self._verdicts = verdicts

    @needs("analyst")
    def run(
        self,
        *,
        profile: str | int | None = None,
        verdicts: bool = False,
        progress: Progress = silent,
    ) -> ScoreRun:
        """Score the newest import's prospects and keep the list."""
        store, record = self._session.store, self._profiles.record(profile)
        prospects, last = self._accounts.table("prospects"), store.last_import()
        progress(0.05, "scoring the prospects")
        file = store.bulk.write(
            self._scored(prospects, record.number, verdicts=verdicts)
        )
        progress(0.9, "counting grades")
        summary = {
            **_counts(store.bulk.scan(file.hash)),
            "profile": record.number,
            "import_number": last.number if last else None,
        }
        run = store.record_scores(summary, file, actor=self._session.actor)
        progress(1.0, "scored")
        return run

    @needs("analyst")
    def score_file(
        self,
        source: str | Path,
        target: str | Path,
        /,
        *,
        parts: bool = False,
        verdicts: bool = False,
        profile: str | int | None = None,
    ) -> ScoreRun:
        """Score a file into a `.csv` or `.parquet` file, batch by batch.

        The target appears when it is whole. `parts` adds the points per attribute.
        """
        source, target = Path(source), Path(target)
        record = self._profiles.record(profile)
        refuse_suffix(target)
        accounts = self._read(source, self._profiles.get(record.number))
        scored = self._scored(accounts, record.number, parts=parts, verdicts=verdicts)
        write(scored, target)
        summary = {
            **_counts(scan(target)),
            "profile": record.number,
            "import_number": None,
            "target": target.name,
        }
        session = self._session
        return session.store.record_scores(summary, None, actor=session.actor)

    @needs("viewer")
    def record(self, run: str | int | None = None, /) -> ScoreRun:
        """What the store knows about a scored list; the newest one by default."""
        runs = [record for record in self._session.store.runs() if record.bulk]
        matches = [r for r in runs if run is None or str(r.number) == str(run)]
        if not matches:
            message = (
                "no prospects scored yet; run icp score"
                if run is None
                else f"no scored list {str(run)!r}; run icp score to make one"
            )
            raise NotFoundError(message)
        return matches[0]

    @needs("viewer")
    def scored(self, run: str | int | None = None, /) -> pl.LazyFrame:
        """The prospects with their score columns; the newest list by default."""
        return self._session.store.bulk.scan(self.record(run).bulk or "")

    @needs("rep")
    def check(
        self,
        account: str | Mapping[str, object],
        /,
        *,
        profile: str | int | None = None,
    ) -> Explanation:
        """Why one account (id, name, or a form's values) fits or not.

        Beside it: the closed customers most like it.
        """
        from icp.scoring import explain

        document = self._profiles.get(profile)
        row = self._accounts.find(account) if isinstance(account, str) else account
        customers, rules = self._labels.closed(), self._rules.in_force()
        return explain(row, document, customers=customers, disqualifiers=rules)

    @needs("viewer")
    def outliers(self, population: Population = "prospects") -> pl.LazyFrame:
        """Accounts unlike all that was closed, with what makes them so."""
        from icp.scoring import outliers

        return outliers(self._accounts.table(population), self._profiles.get())

    @needs("viewer")
    def export(self, target: str | Path, /, *, run: str | int | None = None) -> int:
        """Write a scored list to a `.csv` or `.parquet` file; returns its rows."""
        return write(self.scored(run), Path(target))

    def _scored(
        self,
        accounts: pl.LazyFrame,
        profile: int,
        /,
        *,
        verdicts: bool,
        parts: bool = False,
    ) -> pl.LazyFrame:
        from icp.scoring import score

        document, rules = self._profiles.get(profile), self._rules.in_force()
        scored = score(accounts, document, parts=parts, disqualifiers=rules)
        if not verdicts:
            return scored
        return self._verdicts.judge_list(scored, profile=profile)

    def _read(self, file: Path, profile: Profile) -> pl.LazyFrame:
        """A file's accounts: as they are if they fit the profile, else as an export."""
        if not file.is_file():
            raise SourceError(f"no file {file.name!r}; check the path")
        if file.suffix.lower() == ".parquet":
            frame = pl.scan_parquet(file, glob=False)
            if _fits(frame, profile):
                return frame
        for population in PROSPECTS_FIRST:
            plan = self._accounts.plan(population)
            if plan is not None:
                table = self._sources.read_like(plan.base, file)
                return assemble({plan.base: table}, _alone(plan, table)).accounts
        message = "no source tells how such a file is to be read; run icp import first"
        raise NotFoundError(message)


def _fits(frame: pl.LazyFrame, profile: Profile) -> bool:
    """Whether the profile's columns are there in their own types."""
    try:
        types = frame.collect_schema()
    except pl.exceptions.PolarsError:  # reading it as an export says what is wrong
        return False
    shared = [name for name in profile.columns if name in types]
    return bool(shared) and all(
        types[name] == profile.columns[name].dtype for name in shared
    )


def _alone(plan: AssemblyPlan, table: IngestResult) -> AssemblyPlan:
    """The plan for one file: all its rows, no columns made of other sources."""
    columns = {*table.schema.names, "account_id"}
    derived = []
    for column in plan.derived:
        if columns.issuperset(pl.sql_expr(column.expression).meta.root_names()):
            columns.add(column.name)
            derived.append(column)
    without = {"where": "", "lookups": (), "joins": (), "derived": tuple(derived)}
    return plan.model_copy(update=without)


def _counts(frame: pl.LazyFrame) -> dict[str, Any]:
    """Rows, those that could be scored, and how many got each grade."""
    counts = frame.group_by("grade").len().sort("grade").collect(engine="streaming")
    grades = {grade: rows for grade, rows in counts.iter_rows() if grade}
    return {
        "rows": sum(counts["len"]),
        "evaluable": sum(grades.values()),
        "grades": grades,
    }
