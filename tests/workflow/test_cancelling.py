"""Asking a job to stop, wherever its process is."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from icp import worker
from icp.errors import CancelledError, NotFoundError
from icp.store.jobs import JobQueue
from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.workflow import Workspace


def running(space: Workspace) -> str:
    """A job that some process works on."""
    job = space.jobs.queue.add("label", {}, actor="ann", role="admin")
    space.jobs.queue.claim(job.id, 4711)
    return job.id


@pytest.mark.parametrize("refusal", [None, ProcessLookupError, PermissionError])
def test_a_process_that_cannot_be_told_reads_it_in_its_row(
    imported: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    refusal: type[OSError] | None,
) -> None:
    told = []

    def kill(pid: int, sign: int) -> None:
        told.append((pid, sign))
        if refusal is not None:
            raise refusal

    monkeypatch.setattr(os, "kill", kill)
    job = running(imported)
    imported.jobs.cancel(job)
    assert told == [(4711, signal.SIGTERM)]
    assert not imported.jobs.queue.beat(job)
    assert imported.jobs.get(job).state == "running"


def test_a_job_that_has_ended_tells_no_process(
    imported: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("told a stranger"))
    job = running(imported)
    imported.jobs.queue.finish(job, "failed", error="no file")
    imported.jobs.cancel(job)
    ended = imported.jobs.get(job)
    assert (ended.state, ended.error) == ("failed", "no file")


@pytest.fixture
def restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
@pytest.mark.usefixtures("restored")
def test_a_signal_while_a_job_ends_does_not_lose_how_it_ended(
    imported: Workspace, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    finish = JobQueue.finish

    def interrupted(queue: JobQueue, *args: Any, **kwargs: Any) -> None:
        if state != "failed":  # what was cancelled may be asked to stop twice
            os.kill(os.getpid(), signal.SIGTERM)
        finish(queue, *args, **kwargs)

    def work(*_: object) -> dict[str, Any]:
        if state == "cancelled":
            os.kill(os.getpid(), signal.SIGTERM)
        if state == "failed":
            raise NotFoundError("nothing there")
        return {"rows": 1}

    monkeypatch.setattr(JobQueue, "finish", interrupted)
    monkeypatch.setattr(worker, "perform", work)
    with open_workspace(imported.path, actor="ann") as space:
        job = space.jobs.queue.add("label", {}, actor="ann", role="admin")
        code = worker.main([str(space.path), job.id])
        ended = space.jobs.get(job.id)
    codes = {"done": 0, "failed": NotFoundError.exit_code}
    assert code == codes.get(state, CancelledError.exit_code)
    assert ended.state == state
    assert ended.result == ({"rows": 1} if state == "done" else {})
    assert ended.error == ("nothing there" if state == "failed" else "")
