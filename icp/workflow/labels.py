"""Which customers were best and which regrettable, by rule and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from icp.config import set_outcome
from icp.errors import NotFoundError, PolicyError
from icp.outcomes import OutcomeOverride, label, preview, propose_policy, sensitivity
from icp.workflow import imports
from icp.workflow.context import rewrite

if TYPE_CHECKING:
    from datetime import date

    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.store.records import LabelRecord
    from icp.workflow.context import Context


_OUTCOMES: Final = ("best", "regrettable", "neutral", "unknown")


def look(context: Context, policy: OutcomePolicy | None, /) -> LabelPreview:
    """What a policy would give, without keeping it."""
    frame, _ = _given(context, policy)
    return preview(frame)


def keep(context: Context, policy: OutcomePolicy | None, /) -> LabelPreview:
    """Label the newest import's customers and keep the result."""
    record = context.store.last_import()
    chosen = _chosen(context, policy)
    frame, used = _given(context, chosen)
    seen = preview(frame)
    if chosen != context.config.outcome:  # only once it is known to work
        rewrite(context, lambda text: set_outcome(text, chosen))
    context.store.record_labels(
        frame,
        import_number=record.number if record else 0,
        policy=used.model_dump(mode="json"),
        counts=counts(frame),
        actor=context.actor,
    )
    return seen


def moved(context: Context, policy: OutcomePolicy | None, /) -> pl.DataFrame:
    """What changes when one threshold moves; see `icp.outcomes.preview`."""
    customers = imports.accounts(context, "customers").collect()
    used = _used(context, policy)
    return sensitivity(customers, used, as_of=_today(context, used))


def propose(context: Context, /) -> OutcomePolicy:
    """A policy from the columns that exist, whatever `icp.toml` says."""
    customers = imports.accounts(context, "customers").collect()
    return propose_policy(customers, imports.schema(context, "customers"))


def newest(context: Context, /) -> LabelRecord:
    """The newest labelling; raises NotFoundError."""
    record = context.store.last_labels()
    if record is None:
        message = "the customers have no outcomes yet; run icp label"
        raise NotFoundError(message)
    return record


def labelled(context: Context, /) -> pl.LazyFrame:
    """The customers with `outcome`, `outcome_reason` and `worth`."""
    return context.store.bulk.scan(newest(context).bulk)


def customers(context: Context, /) -> pl.LazyFrame:
    """The newest import's customers, with the outcomes that they were given so far."""
    frame, given = imports.accounts(context, "customers"), context.store.last_labels()
    if given is None:
        return frame
    kept = context.store.bulk.scan(given.bulk)
    last = context.store.last_import()
    if last is None or given.import_number == last.number:
        return kept
    told = kept.select("account_id", "outcome", "outcome_reason", "worth")
    own = frame.drop(told.collect_schema().names()[1:], strict=False)
    return own.join(told, on="account_id", how="left", maintain_order="left")


def override(context: Context, account: str, outcome: str, /, *, reason: str) -> None:
    """Set one customer's outcome by hand; it holds from the next labelling on."""
    if outcome not in _OUTCOMES:
        message = f"no outcome {outcome!r}; use one of {', '.join(_OUTCOMES)}"
        raise PolicyError(message)
    if not reason.strip():
        message = "an outcome set by hand needs a reason; say why in a few words"
        raise PolicyError(message)
    found = _customer(context, account)
    context.store.override(found, outcome, reason=reason, actor=context.actor)


def withdraw(context: Context, account: str, /, *, reason: str) -> None:
    """Take back what was set by hand; the rules decide from the next labelling on."""
    found = _customer(context, account)
    context.store.withdraw(found, reason=reason, actor=context.actor)


def _customer(context: Context, asked: str) -> str:
    """The id of the one customer with that id or name."""
    frame = imports.accounts(context, "customers")
    wanted = pl.col("account_id") == asked
    if not frame.filter(wanted).select(pl.len()).collect().item():
        wanted = imports.called(frame, asked)
    found = frame.filter(wanted).select("account_id").collect()["account_id"]
    if len(found) == 1:
        return str(found[0])
    message = (
        f"{len(found) or 'no'} customers are called {asked!r}; give the account_id"
    )
    raise NotFoundError(message)


def counts(frame: pl.DataFrame, /) -> dict[str, int]:
    """Accounts per outcome, all four of them."""
    found = dict(frame.group_by("outcome").len().iter_rows())
    return {outcome: found.get(outcome, 0) for outcome in _OUTCOMES}


def _given(
    context: Context, policy: OutcomePolicy | None
) -> tuple[pl.DataFrame, OutcomePolicy]:
    customers = imports.accounts(context, "customers").collect()
    used = _used(context, policy)
    return label(customers, used, as_of=_today(context, used)), used


def _used(context: Context, policy: OutcomePolicy | None) -> OutcomePolicy:
    """The policy that is meant, with what was set by hand."""
    chosen = _chosen(context, policy)
    overrides = (*chosen.overrides, *_by_hand(context))
    return chosen.model_copy(update={"overrides": overrides})


def _today(context: Context, policy: OutcomePolicy) -> date:
    return policy.as_of or context.store.database.clock().date()


def _chosen(context: Context, policy: OutcomePolicy | None) -> OutcomePolicy:
    """The policy given, else that of `icp.toml`, else a proposal."""
    chosen = policy or context.config.outcome
    if chosen is not None and not chosen.says_nothing:
        return chosen
    return propose(context)


def _by_hand(context: Context) -> tuple[OutcomeOverride, ...]:
    rows = context.store.overrides()
    return tuple(
        OutcomeOverride.model_validate(row) for row in rows.iter_rows(named=True)
    )
