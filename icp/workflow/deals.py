"""What people note about accounts, how they leave them, and what wakes up again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.disqualifiers import RuleException
from icp.errors import (
    NotFoundError,
    PermissionDeniedError,
    PolicyError,
    SchemaError,
    near,
)
from icp.qualify import Attempt, Freed, Signal, exit_of, matched, observed
from icp.qualify.signals import LOST_REASON
from icp.qualify.verdict import arms, facts_of, woken
from icp.workflow.access import Area, Session, granted, needs
from icp.workflow.accounts import BASES

if TYPE_CHECKING:
    from icp.store.deals import KeptExit, Referral
    from icp.workflow.accounts import Accounts
    from icp.workflow.judging import Verdicts
    from icp.workflow.learning import Profiles
    from icp.workflow.rulebook import Rules
    from icp.workflow.scoring import Scores


class Deals(Area):
    """What deals taught, and how they were left. Accounts are called by id or name."""

    def __init__(
        self,
        session: Session,
        accounts: Accounts,
        profiles: Profiles,
        rules: Rules,
        verdicts: Verdicts,
        scores: Scores,
        /,
    ) -> None:
        super().__init__(session)
        self._accounts = accounts
        self._profiles = profiles
        self._rules = rules
        self._verdicts = verdicts
        self._scores = scores

    @needs("rep")
    def answer(
        self, account: str, question: str, /, value: object, *, evidence: str = ""
    ) -> None:
        """Note the answer to a question.

        `reason:<code>` is answered yes or no, `attribute:<column>` by its value; None
        takes the answer about an attribute back.
        """
        account_id = self._id(account)
        deals, actor = self._session.store.deals, self._session.actor
        kind, _, name = question.partition(":")
        if kind == "reason":
            signal, today = self._signal(name, value, evidence), self._session.today()
            deals.note_signal(account_id, signal, on=today, actor=actor)
        elif kind == "attribute":
            column, typed = self._value(name, value)
            deals.note_answer(account_id, column, typed, evidence=evidence, actor=actor)
        else:
            message = (
                f"no question {question!r}; use reason:<code> or attribute:<column>"
            )
            raise PolicyError(message)

    @needs("rep")
    def attempt(
        self,
        account: str,
        reason: str,
        play: str,
        /,
        *,
        worked: bool = False,
        note: str = "",
    ) -> None:
        """Note that a reason's step was tried, and how it went."""
        account_id = self._id(account)
        plays = [step.play for step in self._rules.reasons()[reason].steps]
        if play not in plays:
            message = f"{reason!r} has no step {play!r}; {near(play, plays)}"
            raise PolicyError(message)
        attempt = Attempt(reason=reason, play=play, worked=worked)
        session = self._session
        session.store.deals.note_attempt(
            account_id, attempt, note=note, actor=session.actor
        )

    @needs("rep")
    def leave(self, account: str, /, *, promised: str = "") -> KeptExit:
        """Log the exit that the verdict asks for, with what was promised.

        A referral that the exit asks for is noted, too.
        """
        judgement, catalogue = self._verdicts.judge(account), self._rules.reasons()
        account_id, today = judgement.account_id or "", self._session.today()
        signals = judgement.signals.values()
        facts = facts_of(judgement.facts, signals, catalogue, today=today)
        left = exit_of(
            judgement.verdict,
            account_id,
            catalogue,
            today=today,
            facts={**facts, "fit": judgement.explanation.score.fit},
            promised=promised,
            hours=catalogue.capacity.hours,
        )
        if left is None:
            verdict = judgement.verdict.verdict
            raise PolicyError(f"the verdict is {verdict!r}; there is nothing to leave")
        deals, actor = self._session.store.deals, self._session.actor
        exit_ = deals.note_exit(left, actor=actor)
        if left.play == "referral":
            note = "asked on the way out"
            deals.note_referral(account_id, came=None, note=note, actor=actor)
        return exit_

    @needs("rep")
    def reopen(self, account: str, /, *, reason: str) -> None:
        """Go back to an account that was left."""
        session, account_id = self._session, self._id(account)
        session.store.deals.reopen(account_id, reason=reason, actor=session.actor)

    @needs("viewer")
    def exits(
        self, account_id: str | None = None, /, *, only_open: bool = True
    ) -> list[KeptExit]:
        """How accounts were left, newest first."""
        return self._session.store.deals.exits(account_id, only_open=only_open)

    @needs("viewer")
    def awake(self) -> list[KeptExit]:
        """Accounts that were left and are due for another look, newest first."""
        return [exit_ for exit_ in self.exits() if exit_.woke_at is not None]

    @needs("analyst")
    def wake_up(self) -> list[KeptExit]:
        """Look again at every account that was left; those that woke just now.

        Every import does this by itself.
        """
        deals, catalogue = self._session.store.deals, self._rules.reasons()
        asleep = [exit_ for exit_ in self.exits() if exit_.woke_at is None]
        if not asleep:
            return []
        rows = self._rows({exit_.exit.account_id for exit_ in asleep})
        signals, today = self._verdicts.signals(), self._session.today()
        exported, actor = self._accounts.imported_on(), self._session.actor
        why, armed = {}, []
        for exit_ in asleep:
            account_id = exit_.exit.account_id
            row = rows.get(account_id, {})
            current = (
                *signals.get(account_id, []),
                *observed(row, catalogue, on=exported),
            )
            facts = facts_of(row, current, catalogue, today=today)
            if words := woken(exit_.exit, facts, today):
                why[exit_.number] = words
            elif arms(exit_.exit, facts):
                armed.append(exit_.number)
        if armed:
            deals.arm(armed, actor=actor)
        if why:
            deals.wake(why, actor=actor)
        return [exit_ for exit_ in self.exits() if exit_.number in why]

    @needs("rep")
    def refer(
        self, account: str, /, *, came: str | None = None, note: str = ""
    ) -> None:
        """Note that an account was asked for a referral, or who came of it.

        Who came may be an account that no export holds yet.
        """
        deals, actor = self._session.store.deals, self._session.actor
        account_id = self._id(account)
        if came:
            with suppress(NotFoundError):
                came = self._id(came)
        deals.note_referral(account_id, came=came, note=note, actor=actor)

    @needs("viewer")
    def referrals(self, account_id: str | None = None, /) -> list[Referral]:
        """Who was asked, and who came of it, newest first."""
        return self._session.store.deals.referrals(account_id)

    @needs("viewer")
    def freed(self) -> Freed:
        """Hours and money that exits set free: accounts that we no longer pursue."""
        exits = [exit_.exit for exit_ in self.exits()]
        final = [e for e in exits if e.verdict in {"walk_away", "not_now"}]
        return Freed(
            exits=len(final),
            hours=sum(e.hours for e in final),
            money=sum(e.money for e in final),
        )

    @needs("viewer")
    def waiting(self, count: int = 10, /) -> pl.DataFrame:
        """The prospects worth most on which nobody works: nothing noted, nothing left.

        `account_id`, `account_name`, `fit`, `verdict`, `expected_value`.
        """
        deals, run = self._session.store.deals, self._scores.record()
        touched = {*deals.signals(), *deals.attempts(), *deals.answers()}
        touched |= {exit_.exit.account_id for exit_ in deals.exits()}
        scored = self._scores.scored(run.number)
        columns = scored.collect_schema().names()
        if "verdict" not in columns:
            scored = self._verdicts.judge_list(scored, profile=run.profile)
        names = [n for n in ("account_id", "account_name") if n in columns]
        return (
            scored.filter(
                pl.col("verdict").is_in(["pursue", "ask"]),
                ~pl.col("account_id").is_in(sorted(touched)),
            )
            .select(*names, "fit", "verdict", "expected_value")
            .sort("expected_value", "account_id", descending=[True, False])
            .head(count)
            .collect()
        )

    @needs("rep")
    def allow_gate(
        self, account: str, reason: str, /, *, approver: str, why: str
    ) -> None:
        """Pursue an account although a gate stands against it.

        The approver is an admin other than who asks. Raises PermissionDeniedError
        otherwise.
        """
        session, approver = self._session, approver.strip()
        account_id, gate = self._id(account), self._rules.reasons()[reason]
        if gate.severity != "gate":
            message = f"{reason!r} is no gate; answer it or try its next step"
            raise PolicyError(message)
        if not why.strip() or approver in {"", session.actor}:
            message = (
                f"{reason!r} is a gate; name somebody else who approves, and say why"
            )
            raise PermissionDeniedError(message)
        role = granted(approver, session.config.roles, None)
        if role != "admin":
            raise PermissionDeniedError(f"{approver!r} is {role} here; name an admin")
        session.store.rules.allow(
            RuleException(
                rule=reason,
                account_id=account_id,
                asked_by=session.actor,
                approver=approver,
                reason=why.strip(),
                on=session.today(),
            )
        )

    @needs("viewer")
    def lost_reasons(self) -> pl.DataFrame:
        """What each lost reason in the data is taken for, those of most accounts first.

        `lost_reason`, `accounts`, `taken_for` (null where nothing is alike), `entry`
        of the dictionary, `alike` (0 to 100). Correct it in `reasons.toml`.
        """
        catalogue = self._rules.reasons()
        frames = [self._accounts.table_if_any(population) for population in BASES]
        texts = [
            frame.select(pl.col(LOST_REASON).cast(pl.String)).drop_nulls().collect()
            for frame in frames
            if frame is not None and LOST_REASON in frame.collect_schema()
        ]
        counts = (
            pl.concat([pl.DataFrame(schema={LOST_REASON: pl.String}), *texts])
            .group_by(LOST_REASON)
            .len("accounts")
            .sort("accounts", LOST_REASON, descending=[True, False])
        )
        matches = [matched(text, catalogue) for text in counts[LOST_REASON]]
        return counts.rename({LOST_REASON: "lost_reason"}).with_columns(
            taken_for=pl.Series([m.reason for m in matches], dtype=pl.String),
            entry=pl.Series([m.entry for m in matches], dtype=pl.String),
            alike=pl.Series([m.alike for m in matches], dtype=pl.Float64),
        )

    def _id(self, account: str) -> str:
        return str(self._accounts.find(account)["account_id"])

    def _rows(self, account_ids: set[str]) -> dict[str, dict[str, Any]]:
        """Their rows in the newest import, with the fit where it is known."""
        rows: dict[str, dict[str, Any]] = {}
        for population in BASES:
            frame = self._accounts.table_if_any(population)
            if frame is None:
                continue
            matches = frame.filter(pl.col("account_id").is_in(sorted(account_ids)))
            for row in self._with_fit(matches.collect()).iter_rows(named=True):
                rows[row["account_id"]] = row
        answers = self._session.store.deals.answers()
        return {name: {**row, **answers.get(name, {})} for name, row in rows.items()}

    def _with_fit(self, frame: pl.DataFrame) -> pl.DataFrame:
        from icp.scoring import score

        if self._profiles.active() is None:
            return frame
        try:
            return score(frame, self._profiles.get())
        except SchemaError:  # columns changed their kind: a new profile is needed first
            return frame

    def _signal(self, code: str, value: object, evidence: str) -> Signal:
        reason = self._rules.reasons()[code]
        if not isinstance(value, bool):
            message = f"whether {reason.title.lower()!r} holds is answered yes or no"
            raise PolicyError(message)
        return Signal(reason=reason.code, holds=value, evidence=evidence)

    def _value(self, name: str, value: object) -> tuple[str, object]:
        """The column that an attribute is about, and the value in its kind."""
        profile = self._profiles.get()
        columns = {table.name: table.column for table in profile.tables}
        column = columns.get(name, name)
        if column not in profile.columns:
            message = f"no attribute {name!r}; {near(name, profile.columns)}"
            raise SchemaError(message)
        kind = profile.columns[column]
        if value is None:
            return column, None
        try:
            return column, kind.read(value)
        except (TypeError, ValueError) as error:
            message = f"{column!r} needs {kind.noun}; give one"
            raise SchemaError(message) from error
