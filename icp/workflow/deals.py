"""What to do about an account, what was done, and when to look at it again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from icp.workflow import judging, noting
from icp.workflow.access import needs
from icp.workflow.lists import Lists
from icp.workflow.scoring import same

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from icp.qualify import Catalogue, Freed
    from icp.store.deals import KeptExit, Referral
    from icp.workflow.judging import Judgement
    from icp.workflow.scoring import Finish


class Deals(Lists):
    """Verdicts, and what people note about accounts (called by id or name)."""

    def _finish(self, profile: str | int | None, /, *, verdicts: bool) -> Finish:
        """What becomes of a scored list."""
        if not verdicts:
            return same
        return partial(judging.with_verdicts, self._context, ref=profile)

    @needs("viewer")
    def reasons(self) -> Catalogue:
        """The reasons to walk away, as `reasons.toml` of the workspace has them."""
        return judging.catalogue(self._context)

    @needs("viewer")
    def lost_reasons(self) -> pl.DataFrame:
        """What each lost reason in the data is taken for, to be looked over.

        `lost_reason`, `accounts`, `taken_for` (null where nothing is alike), `entry`
        of the dictionary, `alike` (0 to 100). Correct it in `reasons.toml`.
        """
        return judging.lost_reasons(self._context)

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
        return judging.judge(self._context, account, profile, invested=invested)

    @needs("viewer")
    def verdicts(
        self, scored: pl.LazyFrame, /, *, profile: str | int | None = None
    ) -> pl.LazyFrame:
        """A scored list with the verdicts of today, whatever it was scored with."""
        return judging.with_verdicts(self._context, scored, profile)

    @needs("rep")
    def note_answer(
        self, account: str, question: str, value: object, *, evidence: str = ""
    ) -> None:
        """Note what a question brought.

        `reason:<code>` is answered yes or no, `attribute:<column>` by its value; None
        takes the answer about an attribute back.
        """
        noting.note_answer(self._context, account, question, value, evidence)

    @needs("rep")
    def note_attempt(
        self,
        account: str,
        reason: str,
        play: str,
        *,
        worked: bool = False,
        note: str = "",
    ) -> None:
        """Note that a reason's step was tried, and how it went."""
        noting.note_attempt(
            self._context, account, reason, play, worked=worked, note=note
        )

    @needs("rep")
    def leave(self, account: str, *, promised: str = "") -> KeptExit:
        """Log the exit that the verdict asks for, with what was promised."""
        return noting.leave(self._context, account, promised=promised)

    @needs("rep")
    def take_up(self, account: str, *, reason: str) -> None:
        """Take an account up again that was left."""
        found = noting.resolved(self._context, account)
        actor = self._context.actor
        self._context.store.deals.reopen(found, reason=reason, actor=actor)

    @needs("viewer")
    def exits(
        self, account: str | None = None, *, only_open: bool = True
    ) -> list[KeptExit]:
        """How accounts were left, newest first."""
        return self._context.store.deals.exits(account, only_open=only_open)

    @needs("viewer")
    def awake(self) -> list[KeptExit]:
        """Accounts that were left and woke since, newest first."""
        return [kept for kept in self.exits() if kept.woke_at is not None]

    @needs("analyst")
    def wake_up(self) -> list[KeptExit]:
        """Look again at every account that was left; those that woke just now.

        Every import does this by itself.
        """
        return noting.wake_up(self._context)

    @needs("rep")
    def note_referral(
        self, account: str, *, came: str | None = None, note: str = ""
    ) -> None:
        """Note that an account was asked for a referral, or who came of it.

        Who came may be an account that no export holds yet.
        """
        deals, actor = self._context.store.deals, self._context.actor
        asked = noting.resolved(self._context, account)
        who = came and noting.resolved_if_known(self._context, came)
        deals.note_referral(asked, came=who, note=note, actor=actor)

    @needs("viewer")
    def referrals(self, account: str | None = None) -> list[Referral]:
        """Who was asked, and who came of it, newest first."""
        return self._context.store.deals.referrals(account)

    @needs("viewer")
    def freed(self) -> Freed:
        """Hours and money that exits set free."""
        return noting.freed(self._context)

    @needs("viewer")
    def waiting(self, count: int = 10) -> pl.DataFrame:
        """The prospects worth most on which nobody works yet."""
        return noting.waiting(self._context, count)

    @needs("rep")
    def allow_gate(self, account: str, reason: str, *, approver: str, why: str) -> None:
        """Pursue an account although a gate stands against it.

        The approver is an admin other than who asks. Raises PermissionDeniedError
        otherwise.
        """
        noting.allow_gate(self._context, account, reason, approver, why)
