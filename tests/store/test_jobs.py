from datetime import timedelta

import pytest

from icp.errors import NotFoundError
from icp.store.jobs import LOST_AFTER


def queued(store, kind="import", **options):
    return store.jobs.add(kind, options, actor="ann", role="analyst")


def test_a_job_goes_from_queued_to_done(store, clock):
    job = queued(store, seed=3)
    assert (job.state, job.options, job.live) == ("queued", {"seed": 3}, True)
    assert store.jobs.claim(job.id, 17) == "claimed"
    clock.pass_time(seconds=2)
    assert store.jobs.beat(job.id, done=0.5, message="half")
    running = store.jobs.get(job.id)
    assert (running.state, running.done, running.message) == ("running", 0.5, "half")
    assert running.heartbeat_at == clock.now
    store.jobs.finish(job.id, "done", result={"rows": 3})
    ended = store.jobs.get(job.id)
    assert (ended.state, ended.done, ended.result) == ("done", 1.0, {"rows": 3})
    assert (ended.live, ended.finished_at) == (False, clock.now)
    assert store.jobs.role(job.id) == "analyst"


def test_one_runs_at_a_time_in_order(store, clock):
    first = queued(store)
    clock.pass_time(seconds=1)
    second = queued(store)
    assert store.jobs.claim(second.id, 2) == "wait"
    assert store.jobs.claim(first.id, 1) == "claimed"
    assert store.jobs.claim(second.id, 2) == "wait"
    store.jobs.finish(first.id, "done")
    assert store.jobs.claim(second.id, 2) == "claimed"
    assert store.jobs.claim(first.id, 1) == "ended"


def test_silence_means_lost_and_blocks_nobody(store, clock):
    first = queued(store)
    store.jobs.claim(first.id, 1)
    clock.pass_time(seconds=29)
    second = queued(store)
    assert store.jobs.get(first.id).state == "running"
    clock.pass_time(seconds=2)
    assert store.jobs.get(first.id).state == "lost"
    assert store.jobs.claim(second.id, 2) == "claimed"
    assert [job.state for job in store.jobs.all()] == ["running", "lost"]


def test_a_worker_that_comes_back_after_being_lost_must_stop(store, clock):
    job = queued(store)
    store.jobs.claim(job.id, 1)
    clock.pass_time(seconds=31)
    assert store.jobs.claim(queued(store).id, 2) == "claimed"
    assert not store.jobs.beat(job.id)
    store.jobs.finish(job.id, "done")
    assert store.jobs.get(job.id).state == "lost"


def test_waiting_workers_show_signs_of_life(store, clock):
    first, second = queued(store), None
    store.jobs.claim(first.id, 1)
    clock.pass_time(seconds=1)
    second = queued(store)
    for _ in range(3):
        clock.pass_time(seconds=20)
        store.jobs.beat(first.id)
        assert store.jobs.claim(second.id, 2) == "wait"
    assert store.jobs.get(second.id).state == "queued"


def test_cancelling_a_queued_job_ends_it(store):
    job = queued(store)
    assert store.jobs.ask_cancel(job.id, actor="ann") is None
    assert store.jobs.get(job.id).state == "cancelled"
    assert store.jobs.claim(job.id, 1) == "ended"


def test_cancelling_a_running_job_asks_it_to_stop(store):
    job = queued(store)
    store.jobs.claim(job.id, 17)
    assert store.jobs.ask_cancel(job.id, actor="ann") == 17
    assert not store.jobs.beat(job.id)
    store.jobs.finish(job.id, "cancelled")
    assert store.jobs.get(job.id).message == "stopped"


def test_cancelling_what_has_ended_changes_nothing(store):
    job = queued(store)
    store.jobs.claim(job.id, 1)
    store.jobs.finish(job.id, "failed", error="no file")
    assert store.jobs.ask_cancel(job.id, actor="ann") is None
    assert (store.jobs.get(job.id).state, store.jobs.get(job.id).error) == (
        "failed",
        "no file",
    )


def test_cancelling_a_lost_job_tells_no_process(store, clock):
    job = queued(store)
    store.jobs.claim(job.id, 17)
    clock.pass_time(seconds=LOST_AFTER / timedelta(seconds=1) + 1)
    assert store.jobs.ask_cancel(job.id, actor="ann") is None


@pytest.mark.parametrize("ask", ["get", "role"])
def test_an_unknown_job_is_not_found(store, ask):
    with pytest.raises(NotFoundError, match="no job 'x'"):
        getattr(store.jobs, ask)("x")


def test_every_end_is_an_event(store):
    job = queued(store)
    store.jobs.claim(job.id, 1)
    store.jobs.finish(job.id, "done")
    assert store.events(9)["kind"].to_list() == ["job_done", "job_queued"]
