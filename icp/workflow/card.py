"""A profile's model card, with what the store knows about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.outcomes import OutcomePolicy
from icp.report import Origin, model_card
from icp.workflow import labels, learning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.report import Document
    from icp.store.records import LabelRecord, ProfileRecord
    from icp.workflow.context import Context


_EVENTS: Final = 10_000
_SWITCHES: Final = {"activate": "put in force", "rollback": "put back in force"}
_LISTED: Final = 3


def card(context: Context, ref: str | int | None, /) -> Document:
    """The model card of the profile that is meant."""
    record = learning.record(context, ref)
    labelling = context.store.last_labels()
    current = (
        labelling
        if labelling is not None and labelling.number == record.label_number
        else None
    )
    origin = Origin(
        version=record.version,
        author=record.author,
        learnt=f"{record.created_at:%Y-%m-%d}",
        in_force=record.active,
        history=tuple(_history(context, record)),
        outcomes=_outcomes(current),
        sensitivity=tuple(_sensitivity(context, current)),
    )
    return model_card(learning.profile(context, record.number), origin=origin)


def _history(context: Context, record: ProfileRecord) -> Iterator[str]:
    """Every time it was put in force, newest first."""
    happened = context.store.events(_EVENTS).filter(
        pl.col("kind").is_in(list(_SWITCHES)), pl.col("subject") == str(record.number)
    )
    for event in happened.iter_rows(named=True):
        reason = json.loads(event["payload"]).get("reason") or "no reason given"
        what = _SWITCHES[event["kind"]]
        yield f"It was {what} by {event['actor']} on {event['at']:%Y-%m-%d}: {reason}."


def _outcomes(labelling: LabelRecord | None) -> tuple[str, ...]:
    """What best and regrettable mean; nothing where customers were labelled anew."""
    if labelling is None:
        return ()
    return OutcomePolicy.model_validate(labelling.policy).describe()


def _sensitivity(context: Context, labelling: LabelRecord | None) -> Iterator[str]:
    """The thresholds that decide most, with how many customers a tenth would move."""
    if labelling is None or labelling.import_number != _newest_import(context):
        return
    policy = OutcomePolicy.model_validate(labelling.policy)
    moved = labels.moved(context, policy).filter(pl.col("threshold") != "")
    worst = (
        moved.group_by("threshold", maintain_order=True)
        .agg(pl.col("flipped", "value").sort_by("flipped").last())
        .sort("flipped", descending=True, maintain_order=True)
        .filter(pl.col("flipped") > 0)
        .head(_LISTED)
    )
    for threshold, flipped, value in worst.iter_rows():
        name = threshold.replace("_", " ")
        yield (
            f"{name}: at {value:g} the outcome of {flipped:,} customers would be "
            "another."
        )


def _newest_import(context: Context) -> int | None:
    record = context.store.last_import()
    return record.number if record else None
