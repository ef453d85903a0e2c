import os
import signal
import subprocess
import sys
import time

import pytest

from icp import worker
from icp.errors import CancelledError, InputError, NotFoundError
from icp.workflow import jobs, open_workspace


@pytest.fixture
def quiet(monkeypatch):
    """Queue jobs without starting a process for them."""
    monkeypatch.setattr(jobs, "_spawn", lambda *_: Ended())


class Ended:
    def poll(self):
        return 0


@pytest.fixture
def space(imported):
    """A workspace whose clock is that of its workers."""
    with open_workspace(imported.path, actor="ann") as workspace:
        yield workspace


@pytest.fixture
def restored():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def work(workspace, job):
    return worker.main([str(workspace.path), job.id])


@pytest.mark.parametrize("kind", ["import", "label", "refresh"])
def test_a_worker_does_the_job_as_the_person_who_asked(space, quiet, restored, kind):
    job = space.jobs.start(kind)
    assert (job.state, job.actor) == ("queued", "ann")
    assert work(space, job) == 0
    done = space.jobs.get(job.id)
    assert (done.state, done.done, done.error) == ("done", 1.0, "")
    assert done.result
    if kind != "import":
        assert space.status().labels["best"] == 44
        assert "ann" in space.events()["actor"].to_list()


def test_learn_and_score_are_jobs_too(space, quiet, restored):
    space.labels.label()
    learn = space.jobs.start("learn", seed=3)
    assert work(space, learn) == 0
    assert space.jobs.get(learn.id).result["profile"] == 1
    space.profiles.activate(1)
    score = space.jobs.start("score")
    assert work(space, score) == 0
    assert space.jobs.get(score.id).result["rows"] == 4
    refresh = space.jobs.start("refresh")
    assert work(space, refresh) == 0
    assert space.jobs.get(refresh.id).result["rows"] == 4
    assert [job.kind for job in space.jobs.list()] == ["refresh", "score", "learn"]


def test_an_error_is_kept_in_words(space, quiet, restored):
    job = space.jobs.start("score")
    assert work(space, job) == 4
    failed = space.jobs.get(job.id)
    assert failed.state == "failed"
    assert failed.error.startswith("no profile is in force; run icp learn")


def test_an_unexpected_error_is_kept_without_values(
    space, quiet, restored, monkeypatch
):
    def explode(*_):
        raise ValueError("secret value")

    monkeypatch.setattr(worker, "perform", explode)
    job = space.jobs.start("score")
    with pytest.raises(ValueError, match="secret value"):
        work(space, job)
    assert space.jobs.get(job.id).state == "failed"
    assert "secret" not in space.jobs.get(job.id).error


def test_a_job_that_was_asked_to_stop_does(space, quiet, restored, monkeypatch):
    def ask_then_go_on(workspace, kind, options, progress):
        space.jobs.queue.ask_cancel(job.id, actor="bob")
        progress(0.5, "half")

    monkeypatch.setattr(worker, "perform", ask_then_go_on)
    job = space.jobs.start("import")
    assert work(space, job) == CancelledError.exit_code
    assert space.jobs.get(job.id).state == "cancelled"


def test_a_job_cancelled_before_it_began_is_not_done(space, quiet, restored):
    job = space.jobs.start("label")
    space.jobs.cancel(job.id)
    assert work(space, job) == 0
    assert space.jobs.get(job.id).state == "cancelled"
    assert space.status().labels == {}


def test_a_job_waits_for_the_one_before(space, quiet, restored, monkeypatch):
    first, second = space.jobs.start("label"), space.jobs.start("label")
    space.jobs.queue.claim(first.id, 1)

    def end_first(_seconds):
        space.jobs.queue.finish(first.id, "done")

    monkeypatch.setattr(worker.time, "sleep", end_first)
    assert work(space, second) == 0
    assert space.jobs.get(second.id).state == "done"


def test_progress_is_written_and_can_stop_the_work(space, quiet, monkeypatch):
    monkeypatch.setattr(worker, "_WAIT_SECONDS", 0.0)
    job = space.jobs.start("import")
    space.jobs.queue.claim(job.id, os.getpid())
    report = worker._Reporter(space.jobs.queue, job.id)
    report(0.25, "reading")
    seen = space.jobs.get(job.id)
    assert (seen.done, seen.message) == (0.25, "reading")
    space.jobs.queue.ask_cancel(job.id, actor="ann")
    with pytest.raises(CancelledError):
        report(0.5, "more")


def test_the_heart_beats_and_ends_what_cannot_stop(space, quiet, monkeypatch):
    ended = []
    monkeypatch.setattr(worker, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    job = space.jobs.start("import")
    space.jobs.queue.claim(job.id, os.getpid())
    space.jobs.queue.ask_cancel(job.id, actor="ann")
    heart = worker._Heart(space.jobs.queue, job.id)
    with heart:
        while not ended:
            time.sleep(0.01)
    assert ended[0] == CancelledError.exit_code
    assert space.jobs.get(job.id).state == "cancelled"


def test_an_unknown_kind_or_job_is_refused(space):
    with pytest.raises(InputError, match="use one of import, label, learn, refresh"):
        space.jobs.start("dance")
    with pytest.raises(NotFoundError):
        space.jobs.get("x")
    with pytest.raises(NotFoundError):
        space.jobs.cancel("x")


def wait_for(space, job, states):
    for _ in range(600):
        if space.jobs.get(job.id).state in states:
            return space.jobs.get(job.id)
        time.sleep(0.1)
    pytest.fail(f"still {space.jobs.get(job.id).state}")


@pytest.mark.slow
def test_a_real_worker_process_does_the_job(space):
    job = space.jobs.start("label")
    assert wait_for(space, job, {"done", "failed"}).state == "done"
    jobs._children[-1].wait(60)
    assert space.status().labels["best"] == 44


@pytest.mark.slow
def test_a_real_worker_process_is_cancelled_by_a_signal(space):
    waiting = space.jobs.queue.add("label", {}, actor="ann", role="admin")
    space.jobs.queue.claim(waiting.id, os.getpid())
    code = "import sys; from icp.worker import main; sys.exit(main(sys.argv[1:]))"
    job = space.jobs.queue.add("label", {}, actor="ann", role="admin")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(space.path), job.id]
    ) as process:
        for _ in range(600):
            if space.jobs.get(job.id).heartbeat_at:
                break
            time.sleep(0.1)
        process.terminate()
        assert process.wait(60) == CancelledError.exit_code
    assert space.jobs.get(job.id).state == "cancelled"
