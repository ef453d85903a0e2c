"""Learning profiles, putting one in force, going back, and telling two apart."""

from __future__ import annotations

import json
import re
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

from icp.config import Accepted, EconomicsConfig, accept_column
from icp.errors import ConfigError, NotFoundError, PolicyError, near
from icp.outcomes import OutcomePolicy, columns_read
from icp.profile import Profile
from icp.workflow.access import Area, Progress, Session, needs, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from icp.learn import FitOptions
    from icp.report import Document
    from icp.store.records import LabelRecord, ProfileRecord
    from icp.workflow.accounts import Accounts
    from icp.workflow.labels import Labels


_NUMBER: Final = re.compile(r"v?(\d{1,9})")
_ID: Final = re.compile(r"[0-9a-f]{4,64}")
_EVENTS: Final = 10_000
_SWITCHES: Final = {"activate": "put in force", "rollback": "put back in force"}
#: Thresholds that a model card names.
_THRESHOLDS: Final = 3


class Profiles(Area):
    """The profiles of a workspace.

    One is called by number ("3", "v3") or by the start of its id; None is the one in
    force.
    """

    def __init__(self, session: Session, accounts: Accounts, labels: Labels, /) -> None:
        super().__init__(session)
        self._accounts = accounts
        self._labels = labels

    @needs("analyst")
    def learn(self, *, seed: int = 0, progress: Progress = silent) -> ProfileRecord:
        """Learn a profile from the newest outcomes; nothing is put in force.

        The same data and settings give the same profile, hence the same number.
        """
        from icp.learn import fit_profile

        labelling, customers = self._labels.record(), self._labels.labelled()
        group, date = self.group_and_date(customers)
        profile = fit_profile(
            customers,
            schema=self._accounts.schema(),
            group=group,
            date=date,
            prospects=self._accounts.table_if_any("prospects"),
            options=self._options(customers, labelling),
            seed=seed,
            progress=progress,
        )
        return self._session.store.record_profile(
            profile,
            import_number=labelling.import_number,
            label_number=labelling.number,
            actor=self._session.actor,
        )

    @needs("analyst")
    def accept_column(self, *columns: str, why: str) -> None:
        """Let the next profile learn from columns that were refused: all or none.

        Who said so and why is written into `icp.toml`.
        """
        session, names = self._session, self._accounts.schema().names
        for column in columns:
            if column not in names:
                hint = near(column, names)
                raise NotFoundError(f"the customers have no column {column!r}; {hint}")
            if not why.strip():
                message = (
                    f"a reason is required to accept {column!r}; say when it is known"
                )
                raise PolicyError(message)
        answers = [Accepted(column=c, who=session.actor, why=why) for c in columns]
        session.rewrite(lambda text: reduce(accept_column, answers, text))
        for column in columns:
            session.store.note("accept", column, actor=session.actor, why=why)

    @needs("viewer")
    def list(self) -> Sequence[ProfileRecord]:
        """All profiles, newest first."""
        return self._session.store.profiles()

    @needs("viewer")
    def get(self, ref: str | int | None = None) -> Profile:
        """A profile; raises NotFoundError."""
        number = self.record(ref).number
        return Profile.from_json(self._session.store.profile_json(number))

    @needs("viewer")
    def record(self, ref: str | int | None = None) -> ProfileRecord:
        """What the store knows about a profile; raises NotFoundError."""
        if ref is None:
            record = self.active()
            if record is None:
                message = (
                    "no profile is in force; run icp learn, then icp profile activate"
                )
                raise NotFoundError(message)
            return record
        matches = [record for record in self.list() if _is_called(str(ref), record)]
        if len(matches) != 1:
            message = (
                f"{len(matches) or 'no'} profiles are called {str(ref)!r}; "
                "icp profile list shows them all"
            )
            raise NotFoundError(message)
        return matches[0]

    @needs("viewer")
    def active(self) -> ProfileRecord | None:
        """The profile in force."""
        return next((record for record in self.list() if record.active), None)

    @needs("analyst")
    def activate(self, ref: str | int, /, *, reason: str = "") -> ProfileRecord:
        """Put a profile in force."""
        session, number = self._session, self.record(ref).number
        session.store.activate(number, reason=reason, actor=session.actor)
        return self.record(number)

    @needs("analyst")
    def rollback(self, *, reason: str = "") -> ProfileRecord:
        """Put the profile back in force that was so before."""
        session = self._session
        return self.record(session.store.rollback(reason=reason, actor=session.actor))

    @needs("viewer")
    def diff(self, before: str | int, after: str | int, /) -> pl.DataFrame:
        """`attribute`, `cell`, `before`, `after`, `change`: the points that differ.

        Points are millinats. Null means that the profile has no such cell; a change is
        null then. Largest changes first.
        """
        left, right = (_points(self.get(ref)) for ref in (before, after))
        joined = left.join(
            right, on=("attribute", "cell"), how="full", coalesce=True, suffix="_after"
        )
        return (
            joined.rename({"points": "before", "points_after": "after"})
            .filter(pl.col("before").ne_missing(pl.col("after")))
            .with_columns(change=pl.col("after") - pl.col("before"))
            .sort(
                pl.col("change").abs(),
                "attribute",
                "cell",
                descending=[True, False, False],
                nulls_last=True,
            )
        )

    @needs("viewer")
    def card(self, ref: str | int | None = None) -> Document:
        """A profile's model card, for `icp.report` to write as Markdown or HTML."""
        from icp.report import Origin, model_card

        record, labelling = self.record(ref), self._session.store.last_labels()
        if labelling is not None and labelling.number != record.label_number:
            labelling = None  # customers were labelled anew
        origin = Origin(
            version=record.version,
            author=record.author,
            learnt=f"{record.created_at:%Y-%m-%d}",
            in_force=record.active,
            history=tuple(self._history(record)),
            outcomes=_policy(labelling).describe() if labelling else (),
            sensitivity=tuple(self._sensitivity(labelling)) if labelling else (),
        )
        return model_card(self.get(record.number), origin=origin)

    @needs("viewer")
    def group_and_date(
        self, customers: pl.LazyFrame, /
    ) -> tuple[str | None, str | None]:
        """The columns for groups and dates: as `[learning]` says, else as they show."""
        config = self._session.config
        columns = customers.collect_schema()
        maturity = config.outcome.maturity if config.outcome else None
        start = maturity.start if maturity and maturity.start in columns else None
        return (
            config.learning.group or _same_account(customers),
            config.learning.date or start,
        )

    def _options(self, customers: pl.LazyFrame, labelling: LabelRecord) -> FitOptions:
        """As `icp.toml` says, and the columns that outcomes were made from."""
        from icp.learn import FitOptions

        config = self._session.config
        options: dict[str, Any] = dict(config.learning.options)
        options.setdefault("made_from", tuple(sorted(columns_read(_policy(labelling)))))
        if config.learning.accept:
            options["accept"] = tuple(
                answer.column for answer in config.learning.accept
            )
        if config.economics != EconomicsConfig():
            money = config.economics.economics(customers)
            options.setdefault("break_even", money.break_even)
        try:
            return FitOptions.model_validate(options)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            message = f"icp.toml: learning.options.{key}: {first['msg']}; correct it"
            raise ConfigError(message) from error

    def _history(self, record: ProfileRecord) -> Iterator[str]:
        """Every time it was put in force, newest first."""
        switches = self._session.store.events(_EVENTS).filter(
            pl.col("kind").is_in([*_SWITCHES]), pl.col("subject") == str(record.number)
        )
        for event in switches.iter_rows(named=True):
            reason = json.loads(event["payload"]).get("reason") or "no reason given"
            switch, day = _SWITCHES[event["kind"]], f"{event['at']:%Y-%m-%d}"
            yield f"It was {switch} by {event['actor']} on {day}: {reason}."

    def _sensitivity(self, labelling: LabelRecord) -> Iterator[str]:
        """The thresholds that decide most, and how many customers a tenth moves."""
        last = self._session.store.last_import()
        if last is None or labelling.import_number != last.number:
            return
        moves = self._labels.sensitivity(_policy(labelling))
        worst = (
            moves.filter(pl.col("threshold") != "")
            .group_by("threshold", maintain_order=True)
            .agg(pl.col("flipped", "value").sort_by("flipped").last())
            .sort("flipped", descending=True, maintain_order=True)
            .filter(pl.col("flipped") > 0)
            .head(_THRESHOLDS)
        )
        for threshold, flips, value in worst.iter_rows():
            yield (
                f"{threshold.replace('_', ' ')}: at {value:g} the outcome of "
                f"{flips:,} customers would be another."
            )


def _policy(labelling: LabelRecord) -> OutcomePolicy:
    return OutcomePolicy.model_validate(labelling.policy)


def _same_account(customers: pl.LazyFrame) -> str | None:
    """The account's name where several customers (deals, say) carry the same one."""
    if "account_name" not in customers.collect_schema():
        return None
    name = pl.col("account_name").drop_nulls()
    repeats = customers.select(name.n_unique() < name.len()).collect().item()
    return "account_name" if repeats else None


def _is_called(ref: str, record: ProfileRecord) -> bool:
    number = _NUMBER.fullmatch(ref)
    if number and int(number[1]) == record.number:
        return True
    return bool(_ID.fullmatch(ref)) and record.id.startswith(ref)


def _points(profile: Profile) -> pl.DataFrame:
    rows = [
        (table.name, table.cell_name(code), points)
        for table in profile.tables
        for code, points in enumerate(table.points)
    ]
    rows += [
        (pair.name, f"cell {code}", points)
        for pair in profile.pairs
        for code, points in enumerate(pair.points)
    ]
    columns = {"attribute": pl.String, "cell": pl.String, "points": pl.Int32}
    return pl.DataFrame([*rows, ("base", "", profile.base)], columns, orient="row")
