"""Verdicts on the workspace's accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from icp.disqualifiers import deciding
from icp.errors import NotFoundError, PolicyError
from icp.outcomes import Economics
from icp.qualify import (
    VERDICT_COLUMNS,
    Attempt,
    KnownAbout,
    Signal,
    UsualTerms,
    decide,
    observed,
    terms_of,
    usual,
    verdicts,
)
from icp.qualify.signals import standing
from icp.workflow.access import Area, Session, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from icp.disqualifiers import Override
    from icp.profile import Profile
    from icp.qualify import Verdict
    from icp.scoring import Explanation
    from icp.store.deals import KeptExit
    from icp.workflow.accounts import Accounts
    from icp.workflow.labels import Labels
    from icp.workflow.learning import Profiles
    from icp.workflow.rulebook import Rules


_EVEN: Final = Economics(V=1.0, L=1.0)
_EVENLY: Final = (
    "no money is given: a best and a regrettable customer weigh the same; set "
    "[economics] in icp.toml"
)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Everything about one account: why it fits, what to do, what was done."""

    #: None where the values came from a form.
    account_id: str | None
    #: Its columns, with what people found out.
    facts: dict[str, Any]
    #: What people found out: column -> value.
    answers: dict[str, Any]
    explanation: Explanation
    verdict: Verdict
    #: The signal that counts for each reason.
    signals: dict[str, Signal]
    attempts: tuple[Attempt, ...]
    #: How it was left, where it was.
    left: KeptExit | None
    #: What a person should know about the figures.
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What people noted about one account; nothing where it came from a form."""

    answers: dict[str, Any] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    exceptions: tuple[Override, ...] = ()
    left: KeptExit | None = None


class Verdicts(Area):
    """What to do about an account, and about every account of a list."""

    def __init__(
        self,
        session: Session,
        accounts: Accounts,
        labels: Labels,
        profiles: Profiles,
        rules: Rules,
        /,
    ) -> None:
        super().__init__(session)
        self._accounts = accounts
        self._labels = labels
        self._profiles = profiles
        self._rules = rules

    @needs("rep")
    def judge(
        self,
        account: str | Mapping[str, object],
        /,
        *,
        profile: str | int | None = None,
        invested: float = 0.0,
    ) -> Judgement:
        """Decide about one account (id, name, or a form's values)."""
        from icp.scoring import explain

        row = self._accounts.find(account) if isinstance(account, str) else account
        account_id = str(row["account_id"]) if isinstance(account, str) else None
        record = self._record(account_id)
        facts = {**row, **record.answers}
        document, rules = self._profiles.get(profile), self._rules.list()
        explanation = explain(
            facts,
            document,
            customers=self._labels.closed(),
            disqualifiers=deciding(rules),
        )
        catalogue, today = self._rules.reasons(), self._session.today()
        exported = self._accounts.imported_on()
        signals = (*record.signals, *observed(facts, catalogue, on=exported))
        nearest = explanation.score.nearest_best
        money, notes = self._economics()
        verdict = decide(
            explanation.score,
            economics=money,
            signals=signals,
            disqualifiers=rules,
            facts=facts,
            profile=document,
            catalogue=catalogue,
            attempts=record.attempts,
            exceptions=record.exceptions,
            terms=terms_of(facts, nearest, self._usual(document), on=exported),
            invested=invested,
            today=today,
        )
        return Judgement(
            account_id=account_id,
            facts=facts,
            answers=record.answers,
            explanation=explanation,
            verdict=verdict,
            signals=standing(signals, catalogue, today=today),
            attempts=record.attempts,
            left=record.left,
            notes=notes,
        )

    @needs("viewer")
    def judge_list(
        self, scored: pl.LazyFrame, /, *, profile: str | int | None = None
    ) -> pl.LazyFrame:
        """A scored list with the verdicts of today, whatever it was scored with."""
        document = self._profiles.get(profile)
        return verdicts(
            scored.drop(VERDICT_COLUMNS, strict=False),
            document,
            economics=self._economics()[0],
            catalogue=self._rules.reasons(),
            disqualifiers=self._rules.list(),
            known=self._known(),
            usual=self._usual(document),
            on=self._accounts.imported_on(),
            today=self._session.today(),
        )

    @needs("viewer")
    def signals(self, account_id: str | None = None, /) -> dict[str, list[Signal]]:
        """What people learnt, by account; a reason no longer listed is left out."""
        codes = self._rules.reasons().codes
        deals = self._session.store.deals
        return {
            name: [signal for signal in signals if signal.reason in codes]
            for name, signals in deals.signals(account_id).items()
        }

    def _record(self, account_id: str | None) -> _Record:
        if account_id is None:
            return _Record()
        deals, rules = self._session.store.deals, self._session.store.rules
        return _Record(
            answers=deals.answers(account_id).get(account_id, {}),
            signals=tuple(self.signals(account_id).get(account_id, ())),
            attempts=tuple(deals.attempts(account_id).get(account_id, ())),
            exceptions=tuple(rules.exceptions(account_id)),
            left=next(iter(deals.exits(account_id, only_open=True)), None),
        )

    def _known(self) -> KnownAbout:
        excepted: dict[str, frozenset[str]] = {}
        for exception in self._rules.exceptions():
            rules = excepted.get(exception.account_id, frozenset())
            excepted[exception.account_id] = rules | {exception.rule}
        return KnownAbout(
            signals=self.signals(),
            attempts=self._session.store.deals.attempts(),
            excepted=excepted,
        )

    def _economics(self) -> tuple[Economics, tuple[str, ...]]:
        """V, L and C, and what a person should know about them."""
        try:
            customers = self._labels.labelled()
            return self._session.config.economics.economics(customers), ()
        except (NotFoundError, PolicyError):
            return _EVEN, (_EVENLY,)

    def _usual(self, profile: Profile) -> UsualTerms:
        try:
            return usual(self._labels.labelled(), profile)
        except NotFoundError:
            return UsualTerms.unknown()
