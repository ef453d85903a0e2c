"""Every step leaves its trace in the log, and equal times are no tie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from icp.qualify.verdict import Exit

if TYPE_CHECKING:
    from icp.store.store import Store

SLEEPING = Exit(
    account_id="P1",
    verdict="not_now",
    reason="no_budget",
    play="park",
    words="",
    wake_text="three are left",
    wake_when="vendors <= 3",
    armed=False,
)


def newest(store: Store) -> tuple[str, str, str, Any]:
    """Who did what to whom last, and the details."""
    row = store.events(1).row(0, named=True)
    return row["actor"], row["kind"], row["subject"], json.loads(row["payload"])


def test_who_asked_a_job_to_stop_is_kept(store: Store) -> None:
    queued = store.jobs.add("import", {}, actor="ann", role="admin")
    store.jobs.ask_cancel(queued.id, actor="bob")
    assert newest(store) == ("bob", "job_cancel_asked", queued.id, {})
    running = store.jobs.add("import", {}, actor="ann", role="admin")
    store.jobs.claim(running.id, 1)
    store.jobs.ask_cancel(running.id, actor="eve")
    assert newest(store) == ("eve", "job_cancel_asked", running.id, {})


@pytest.mark.parametrize("first", [0, 1, 2])
def test_of_jobs_queued_in_the_same_moment_one_runs_at_a_time(
    store: Store, first: int
) -> None:
    """Whichever worker asks first, the same job is the first to be done."""
    made = [store.jobs.add("label", {}, actor="ann", role="admin") for _ in range(3)]
    order = sorted(job.id for job in made)
    for position, turn in enumerate(order):
        waiting = order[position:]
        asking = waiting[first % len(waiting) :] + waiting[: first % len(waiting)]
        answers = {job: store.jobs.claim(job, 1) for job in asking}
        assert answers == {j: "claimed" if j == turn else "wait" for j in waiting}
        store.jobs.finish(turn, "done")


def test_a_condition_that_begins_to_count_is_kept(store: Store) -> None:
    kept = store.deals.note_exit(SLEEPING, actor="ann")
    assert not kept.exit.armed
    store.deals.arm([kept.number], actor="worker")
    assert newest(store) == ("worker", "wake_armed", "P1", {"exit": kept.number})
    assert [found.exit.armed for found in store.deals.exits()] == [True]


def test_waking_and_taking_up_again_are_kept(store: Store) -> None:
    kept = store.deals.note_exit(SLEEPING, actor="ann")
    store.deals.wake({kept.number: "it is time"}, actor="worker")
    told = {"exit": kept.number, "why": "it is time"}
    assert newest(store) == ("worker", "woke", "P1", told)
    store.deals.reopen("P1", reason="they called", actor="bob")
    assert newest(store) == ("bob", "reopened", "P1", {"reason": "they called"})
    assert store.deals.exits(only_open=True) == []
    assert store.verify_events() == 3
