"""Which customers were best and which regrettable, by rule and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from icp.config import set_outcome
from icp.errors import NotFoundError, PolicyError
from icp.outcomes import Override, label, preview, propose_policy
from icp.store.bulk import replaced
from icp.workflow import imports
from icp.workflow.context import CONFIG

if TYPE_CHECKING:
    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.store.records import LabelRecord
    from icp.workflow.context import Context

__all__ = ["keep", "labelled", "look", "newest", "override"]

_OUTCOMES: Final = ("best", "regrettable", "neutral", "unknown")


def look(context: Context, policy: OutcomePolicy | None, /) -> LabelPreview:
    """What a policy would give, without keeping it."""
    frame, _ = _given(context, policy)
    return preview(frame)


def keep(context: Context, policy: OutcomePolicy | None, /) -> LabelPreview:
    """Label the newest import's customers and keep the result."""
    record = context.store.last_import()
    chosen = _chosen(context, policy)
    if chosen != context.config.outcome:
        _write(context, chosen)
    frame, used = _given(context, chosen)
    seen = preview(frame)
    context.store.record_labels(
        frame,
        import_number=record.number if record else 0,
        policy=used.model_dump(mode="json"),
        counts=counts(frame),
        actor=context.actor,
    )
    return seen


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


def override(context: Context, account: str, outcome: str, /, *, reason: str) -> None:
    """Set one customer's outcome by hand; it holds from the next labelling on."""
    if outcome not in _OUTCOMES:
        message = f"no outcome {outcome!r}; use one of {', '.join(_OUTCOMES)}"
        raise PolicyError(message)
    if not reason.strip():
        message = "an outcome set by hand needs a reason; say why in a few words"
        raise PolicyError(message)
    known = imports.accounts(context, "customers").filter(account_id=account)
    if not known.select(pl.len()).collect().item():
        message = f"no customer with id {account!r}; use an account_id of the import"
        raise NotFoundError(message)
    context.store.override(account, outcome, reason=reason, actor=context.actor)


def counts(frame: pl.DataFrame, /) -> dict[str, int]:
    """Accounts per outcome, all four of them."""
    found = dict(frame.group_by("outcome").len().iter_rows())
    return {outcome: found.get(outcome, 0) for outcome in _OUTCOMES}


def _given(
    context: Context, policy: OutcomePolicy | None
) -> tuple[pl.DataFrame, OutcomePolicy]:
    customers = imports.accounts(context, "customers").collect()
    chosen = _chosen(context, policy)
    used = chosen.model_copy(
        update={"overrides": (*chosen.overrides, *_by_hand(context))}
    )
    today = used.as_of or context.store.database.clock().date()
    return label(customers, used, as_of=today), used


def _chosen(context: Context, policy: OutcomePolicy | None) -> OutcomePolicy:
    """The policy given, else that of `icp.toml`, else a proposal."""
    chosen = policy or context.config.outcome
    if chosen is not None and not chosen.says_nothing:
        return chosen
    customers = imports.accounts(context, "customers").collect()
    return propose_policy(customers, imports.schema(context, "customers"))


def _write(context: Context, policy: OutcomePolicy) -> None:
    file = context.path / CONFIG
    text = set_outcome(file.read_text(encoding="utf-8-sig"), policy)
    with replaced(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _by_hand(context: Context) -> tuple[Override, ...]:
    rows = context.store.overrides()
    return tuple(Override.model_validate(row) for row in rows.iter_rows(named=True))
