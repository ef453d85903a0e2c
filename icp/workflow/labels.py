"""Which customers were best and which regrettable, by rule and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.config import set_outcome
from icp.errors import NotFoundError, PolicyError
from icp.outcomes import Override, label, preview, propose_policy, sensitivity
from icp.output import write
from icp.workflow.access import Area, Session, needs

if TYPE_CHECKING:
    from datetime import date

    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.store.records import LabelRecord
    from icp.workflow.accounts import Accounts


_OUTCOMES: Final = ("best", "regrettable", "neutral", "unknown")
#: What says something about the ideal customer.
_CLOSED: Final = ("best", "regrettable")


class Labels(Area):
    """The outcomes of customers: a policy, what people set by hand, the result.

    A policy that is left out is the one in `icp.toml`, else a proposal.
    """

    def __init__(self, session: Session, accounts: Accounts, /) -> None:
        super().__init__(session)
        self._accounts = accounts

    @needs("viewer")
    def preview(self, policy: OutcomePolicy | None = None) -> LabelPreview:
        """What outcomes a policy would give; nothing is kept."""
        frame, _ = self._result(policy)
        return preview(frame)

    @needs("viewer")
    def sensitivity(self, policy: OutcomePolicy | None = None) -> pl.DataFrame:
        """What changes when one threshold moves, for the same policies.

        `threshold`, `value`, a count per outcome, `flipped` (accounts) and `flips`
        (some of them); the first row is the policy as it is.
        """
        customers = self._accounts.table().collect()
        policy = self._with_overrides(self._policy(policy))
        return sensitivity(customers, policy, as_of=self._as_of(policy))

    @needs("viewer")
    def propose_policy(self) -> OutcomePolicy:
        """A policy from the columns that exist, whatever `icp.toml` says."""
        customers = self._accounts.table().collect()
        return propose_policy(customers, self._accounts.schema())

    @needs("analyst")
    def label(self, policy: OutcomePolicy | None = None) -> LabelPreview:
        """Give customers their outcomes and keep them; again changes nothing.

        A policy that is given or proposed is written into `icp.toml`.
        """
        session = self._session
        record = session.store.last_import()
        policy = self._policy(policy)
        frame, full_policy = self._result(policy)
        result = preview(frame)
        if policy != session.config.outcome:  # only once it works
            session.rewrite(lambda text: set_outcome(text, policy))
        session.store.record_labels(
            frame,
            import_number=record.number if record else 0,
            policy=full_policy.model_dump(mode="json"),
            counts=_counts(frame),
            actor=session.actor,
        )
        return result

    @needs("viewer")
    def labelled(self) -> pl.LazyFrame:
        """The customers with `outcome`, `outcome_reason` and `worth`."""
        return self._session.store.bulk.scan(self.record().bulk)

    @needs("viewer")
    def closed(self) -> pl.DataFrame | None:
        """The best and the regrettable customers; None before the first labelling."""
        if self._session.store.last_labels() is None:
            return None
        return self.labelled().filter(pl.col("outcome").is_in(_CLOSED)).collect()

    @needs("viewer")
    def record(self) -> LabelRecord:
        """The newest labelling; raises NotFoundError."""
        record = self._session.store.last_labels()
        if record is None:
            message = "the customers have no outcomes yet; run icp label"
            raise NotFoundError(message)
        return record

    @needs("analyst")
    def override(self, account: str, outcome: str, /, *, reason: str) -> None:
        """Set one customer's outcome by hand, from the next labelling on.

        The customer is called by id or name.
        """
        if outcome not in _OUTCOMES:
            message = f"no outcome {outcome!r}; use one of {', '.join(_OUTCOMES)}"
            raise PolicyError(message)
        if not reason.strip():
            raise PolicyError("a reason is required to set an outcome by hand")
        session, customer = self._session, self._customer(account)
        session.store.override(customer, outcome, reason=reason, actor=session.actor)

    @needs("analyst")
    def withdraw(self, account: str, /, *, reason: str = "") -> None:
        """Take back what was set by hand, from the next labelling on."""
        session, customer = self._session, self._customer(account)
        session.store.withdraw(customer, reason=reason, actor=session.actor)

    @needs("viewer")
    def export_customers(self, target: str | Path, /) -> int:
        """Write the customers, with their outcomes so far, to a file; returns the rows.

        The file is `.csv` or `.parquet`.
        """
        return write(self._customers(), Path(target))

    def _customers(self) -> pl.LazyFrame:
        """The newest import's customers, with the outcomes that they have so far."""
        store, customers = self._session.store, self._accounts.table()
        record, last = store.last_labels(), store.last_import()
        if record is None:
            return customers
        labelled = self.labelled()
        if last is None or record.import_number == last.number:
            return labelled
        outcomes = ("outcome", "outcome_reason", "worth")
        return customers.drop(outcomes, strict=False).join(
            labelled.select("account_id", *outcomes),
            on="account_id",
            how="left",
            maintain_order="left",
        )

    def _customer(self, account: str) -> str:
        """The id of the one customer with that id or name."""
        customer = self._accounts.find(account, among=("customers",))
        return str(customer["account_id"])

    def _result(
        self, policy: OutcomePolicy | None
    ) -> tuple[pl.DataFrame, OutcomePolicy]:
        """The labelled customers, and the policy with what was set by hand."""
        customers = self._accounts.table().collect()
        policy = self._with_overrides(self._policy(policy))
        return label(customers, policy, as_of=self._as_of(policy)), policy

    def _policy(self, policy: OutcomePolicy | None) -> OutcomePolicy:
        """The policy given, else that of `icp.toml`, else a proposal."""
        policy = policy or self._session.config.outcome
        if policy is not None and not policy.says_nothing:
            return policy
        return self.propose_policy()

    def _with_overrides(self, policy: OutcomePolicy) -> OutcomePolicy:
        rows = self._session.store.overrides().iter_rows(named=True)
        by_hand = (Override.model_validate(row) for row in rows)
        return policy.model_copy(update={"overrides": (*policy.overrides, *by_hand)})

    def _as_of(self, policy: OutcomePolicy) -> date:
        return policy.as_of or self._session.today()


def _counts(frame: pl.DataFrame) -> dict[str, int]:
    """Accounts per outcome, all four of them."""
    counts = dict(frame.group_by("outcome").len().iter_rows())
    return {outcome: counts.get(outcome, 0) for outcome in _OUTCOMES}
