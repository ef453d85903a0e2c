"""A workspace: every use case, and who may use it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from icp.ingest.readers import ReadOptions
from icp.workflow import (
    card,
    doctor,
    imports,
    jobs,
    labels,
    learning,
    noting,
    scoring,
    sources,
    status,
)
from icp.workflow.access import needs
from icp.workflow.context import Progress, silent
from icp.workflow.deals import Deals
from icp.workflow.disqualifiers import Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from icp.config import SourceConfig, SourceObject, WorkspaceConfig
    from icp.ingest.mapping_rules import ColumnMapping
    from icp.ingest.plan import AssemblyPlan
    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.profile import Profile
    from icp.report import Document
    from icp.schema import AccountSchema
    from icp.scoring import Explanation
    from icp.store.jobs import JobQueue
    from icp.store.records import Job, JobKind, ProfileRecord, ScoreRun
    from icp.workflow.imports import Population
    from icp.workflow.results import (
        Check,
        ImportSummary,
        SourcePreview,
        WorkspaceStatus,
    )


class Workspace(Rulebook, Deals):
    """The use cases. A role that may not use one gets PermissionDeniedError.

    Progress callbacks are called with the share done (0 to 1) and a message; one that
    raises CancelledError stops the work, and nothing half-done is kept.
    """

    def __enter__(self) -> Self:
        """The workspace itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Give the store's connections back."""
        self._context.store.close()

    @property
    def path(self) -> Path:
        """The folder."""
        return self._context.path

    @property
    def config(self) -> WorkspaceConfig:
        """What `icp.toml` says."""
        return self._context.config

    @property
    def job_queue(self) -> JobQueue:
        """The rows of background jobs, for the worker that does them."""
        return self._context.store.jobs

    @needs("viewer")
    def status(self) -> WorkspaceStatus:
        """Where the workspace stands, and what to do next."""
        return status.status(self._context, self.role)

    # ----------------------------------------------------------------- sources

    @needs("analyst")
    def read_preview(
        self,
        path: str | Path,
        /,
        *,
        name: str | None = None,
        object: SourceObject | None = None,
        sheet: str | None = None,
        options: ReadOptions | None = None,
        mapping: ColumnMapping | None = None,
    ) -> SourcePreview:
        """Read a file as it would be imported, without keeping anything.

        What its rows are (`object`) is guessed where it is not given.
        """
        read = options or ReadOptions()
        return sources.preview(
            self._context,
            Path(path),
            name=name,
            object_=object,
            options=replace(read, sheet=sheet or read.sheet),
            mapping=mapping,
        )

    @needs("analyst")
    def add_source(
        self,
        path: str | Path,
        /,
        *,
        name: str | None = None,
        object: SourceObject = "accounts",
        sheet: str | None = None,
        options: ReadOptions | None = None,
        mapping: ColumnMapping | None = None,
        confirm: bool = False,
    ) -> SourceConfig:
        """Make a file a source: copied, written into `icp.toml`, its mapping saved.

        A source of that name is replaced. `confirm` says that a person has looked at
        the mapping.
        """
        read = options or ReadOptions()
        source = sources.add(
            self._context,
            Path(path),
            name=name,
            object_=object,
            options=replace(read, sheet=sheet or read.sheet),
            mapping=mapping,
            confirm=confirm,
        )
        self._reload()
        return source

    @needs("viewer")
    def mapping(self, source: str) -> ColumnMapping:
        """The saved mapping of a source; raises NotFoundError."""
        return sources.mapping_of(self._context, source)

    @needs("analyst")
    def save_mapping(self, mapping: ColumnMapping) -> None:
        """Keep a mapping as the one in force for its source."""
        sources.save_mapping(self._context, mapping)

    @needs("analyst")
    def remove_source(self, name: str) -> None:
        """Take a source out again; its mapping stays for when it comes back."""
        sources.remove(self._context, name)
        self._reload()

    @needs("analyst")
    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Within it, an error brings sources and `icp.toml` back as they were."""
        try:
            with sources.all_or_nothing(self._context):
                yield
        finally:
            self._reload()

    # ------------------------------------------------------------------ import

    @needs("analyst")
    def import_sources(self, *, progress: Progress | None = None) -> ImportSummary:
        """Read all sources and make accounts; the same again changes nothing."""
        self.reasons()  # a mistake in reasons.toml is told before anything is kept
        found = imports.import_sources(self._context, progress or silent)
        noting.wake_up(self._context)
        return found

    @needs("viewer")
    def last_import(self) -> ImportSummary | None:
        """What came of the newest import."""
        return imports.last_import(self._context)

    @needs("viewer")
    def plan(self, population: Population = "customers") -> AssemblyPlan | None:
        """How a population is made: as `icp.toml` says, else as last proposed."""
        return imports.plan_for(self._context, population)

    @needs("analyst")
    def keep_plans(self) -> None:
        """Write the plans that were proposed into `icp.toml`, to be changed there."""
        imports.keep_plans(self._context)
        self._reload()

    @needs("viewer")
    def accounts(self, population: Population = "customers") -> pl.LazyFrame:
        """The accounts of the newest import; raises NotFoundError."""
        return imports.accounts(self._context, population)

    @needs("viewer")
    def schema(self, population: Population = "customers") -> AccountSchema:
        """The columns of those accounts, with role and kind."""
        return imports.schema(self._context, population)

    # ---------------------------------------------------------------- outcomes

    @needs("viewer")
    def label_preview(self, policy: OutcomePolicy | None = None) -> LabelPreview:
        """What outcomes a policy would give; nothing is kept.

        Without a policy: the one in `icp.toml`, else a proposal from the columns.
        """
        return labels.look(self._context, policy)

    @needs("viewer")
    def label_sensitivity(self, policy: OutcomePolicy | None = None) -> pl.DataFrame:
        """What changes when one threshold moves, for the same policies.

        `threshold`, `value`, a count per outcome, `flipped` (accounts) and `flips`
        (some of them); the first row is the policy as it is.
        """
        return labels.moved(self._context, policy)

    @needs("viewer")
    def propose_policy(self) -> OutcomePolicy:
        """A policy from the columns there are, whatever `icp.toml` says."""
        return labels.propose(self._context)

    @needs("analyst")
    def label(self, policy: OutcomePolicy | None = None) -> LabelPreview:
        """Give customers their outcomes and keep them; again changes nothing.

        A policy that is given or proposed is written into `icp.toml`.
        """
        seen = labels.keep(self._context, policy)
        self._reload()
        return seen

    @needs("viewer")
    def labelled(self) -> pl.LazyFrame:
        """The customers with `outcome`, `outcome_reason` and `worth`."""
        return labels.labelled(self._context)

    @needs("analyst")
    def override_label(self, account_id: str, outcome: str, *, reason: str) -> None:
        """Set one customer's outcome by hand, from the next labelling on.

        The customer may be called by id or by name.
        """
        labels.override(self._context, account_id, outcome, reason=reason)

    @needs("analyst")
    def withdraw_override(self, account_id: str, *, reason: str = "") -> None:
        """Let the rules decide again, from the next labelling on."""
        labels.withdraw(self._context, account_id, reason=reason)

    # ---------------------------------------------------------------- learning

    @needs("analyst")
    def learn(
        self, *, seed: int = 0, progress: Progress | None = None
    ) -> ProfileRecord:
        """Learn a profile from the newest outcomes; nothing is put in force."""
        return learning.learn(self._context, seed=seed, progress=progress or silent)

    @needs("analyst")
    def accept_column(self, *columns: str, why: str) -> None:
        """Let the next profile learn from columns that were refused: all or none.

        Who said so and why is written into `icp.toml`.
        """
        learning.accept(self._context, columns, why=why)
        self._reload()

    @needs("viewer")
    def profiles(self) -> list[ProfileRecord]:
        """All profiles, newest first."""
        return self._context.store.profiles()

    @needs("viewer")
    def profile(self, ref: str | int | None = None) -> Profile:
        """A profile: in force (None), or by number ("3", "v3") or start of its id."""
        return learning.profile(self._context, ref)

    @needs("viewer")
    def profile_record(self, ref: str | int | None = None) -> ProfileRecord:
        """What is known about a profile, called in the same ways."""
        return learning.record(self._context, ref)

    @needs("viewer")
    def card(self, ref: str | int | None = None) -> Document:
        """A profile's model card, for `icp.report` to write as Markdown or HTML."""
        return card.card(self._context, ref)

    @needs("viewer")
    def active(self) -> ProfileRecord | None:
        """The profile in force."""
        return learning.active(self._context)

    @needs("analyst")
    def activate(self, ref: str | int, *, reason: str = "") -> ProfileRecord:
        """Put a profile in force."""
        return learning.activate(self._context, ref, reason=reason)

    @needs("analyst")
    def rollback(self, *, reason: str = "") -> ProfileRecord:
        """Put the profile back in force that was so before."""
        return learning.rollback(self._context, reason=reason)

    @needs("viewer")
    def diff(self, a: str | int, b: str | int) -> pl.DataFrame:
        """`attribute`, `cell`, `before`, `after`, `change`: points that differ."""
        return learning.diff(self._context, a, b)

    # ----------------------------------------------------------------- scoring

    @needs("analyst")
    def score(
        self,
        *,
        profile: str | int | None = None,
        verdicts: bool = False,
        progress: Progress | None = None,
    ) -> ScoreRun:
        """Score the newest import's prospects and keep the list; see `score_file`."""
        finish = self._finish(profile, verdicts=verdicts)
        report = progress or silent
        return scoring.score_prospects(self._context, profile, report, finish=finish)

    @needs("viewer")
    def scored(self, run: str | int | None = None) -> pl.LazyFrame:
        """The prospects with their score columns; the newest list by default."""
        return scoring.scored(self._context, run)

    @needs("rep")
    def check(
        self,
        account: str | Mapping[str, object],
        /,
        *,
        profile: str | int | None = None,
    ) -> Explanation:
        """Why one account (id, name, or a form's values) fits or not."""
        return scoring.check(self._context, account, profile)

    @needs("viewer")
    def outliers(self, *, population: Population = "prospects") -> pl.LazyFrame:
        """Accounts unlike all that was closed, with what makes them so."""
        return scoring.outliers(self._context, population)

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

        With `verdicts`: also the verdict, its reasons, the next best question and the
        expected value of pursuing.
        """
        files = Path(source), Path(target)
        finish = self._finish(profile, verdicts=verdicts)
        context = self._context
        return scoring.score_file(context, *files, profile, parts=parts, finish=finish)

    # -------------------------------------------------------------------- jobs

    @needs("analyst")
    def start_job(self, kind: JobKind, /, **options: Any) -> Job:
        """Do an import, label, learn, score or refresh in a process of its own."""
        return jobs.start(self._context, kind, options, role=self.role)

    @needs("viewer")
    def job(self, job_id: str) -> Job:
        """A background job as it stands; raises NotFoundError."""
        return self.job_queue.get(job_id)

    @needs("analyst")
    def cancel_job(self, job_id: str) -> None:
        """Ask a job to stop."""
        jobs.cancel(self._context, job_id)

    @needs("viewer")
    def jobs(self) -> list[Job]:
        """All background jobs, newest first."""
        return self.job_queue.all()

    # ------------------------------------------------------------------- audit

    @needs("viewer")
    def events(self, *, limit: int = 100) -> pl.DataFrame:
        """What happened, newest first: seq, at, actor, kind, subject, payload, hash."""
        return self._context.store.events(limit)

    @needs("viewer")
    def doctor(self) -> list[Check]:
        """Look the workspace over."""
        return doctor.examine(self._context)
