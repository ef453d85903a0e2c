"""Runs one background job: `python -m icp.worker WORKSPACE JOB_ID`.

The worker waits until no other job runs, reports that it is alive, and
stops when it is asked to: by a row in the store, or by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from icp.errors import CancelledError, IcpError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from icp.store.jobs import JobQueue
    from icp.store.records import JobKind
    from icp.workflow import Workspace
    from icp.workflow.access import Progress


_BEAT_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 0.5
#: How long a cancelled job may take to stop by itself, in heartbeats.
_GRACE_BEATS: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; returns the exit code."""
    folder, job_id = arguments if arguments is not None else sys.argv[1:]
    from icp.workflow import open_workspace

    signal.signal(signal.SIGTERM, _stop)
    with open_workspace(folder) as space:
        queue = space.jobs.queue
        try:
            if not _claim(queue, job_id):
                return 0
            with _Heart(queue, job_id):
                result = _perform(Path(folder), queue, job_id)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # too late to stop
        except (CancelledError, KeyboardInterrupt):
            queue.finish(job_id, "cancelled")
            return CancelledError.exit_code
        except IcpError as error:
            queue.finish(job_id, "failed", error=str(error))
            return error.exit_code
        except Exception as error:
            queue.finish(job_id, "failed", error=_unexpected(error))
            raise
        queue.finish(job_id, "done", result=result)
    return 0


def _claim(queue: JobQueue, job_id: str) -> bool:
    """Wait for the job's turn; False where it ended before it began."""
    while (answer := queue.claim(job_id, os.getpid())) == "wait":
        time.sleep(_WAIT_SECONDS)
    return answer == "claimed"


def _perform(folder: Path, queue: JobQueue, job_id: str) -> dict[str, Any]:
    from icp.workflow import open_workspace

    job, role = queue.get(job_id), queue.role(job_id)
    with open_workspace(folder, actor=job.actor, role=role) as workspace:
        return perform(workspace, job.kind, job.options, _Reporter(queue, job_id))


def perform(
    workspace: Workspace,
    kind: JobKind,
    options: Mapping[str, Any],
    progress: Progress,
    /,
) -> dict[str, Any]:
    """Do a job's work here and now; returns its result as plain values."""
    return _WORK[kind](workspace, options, progress)


def _import(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    summary = workspace.imports.run(progress=progress, **options)
    return {
        "import": summary.number,
        "changed": summary.changed,
        "customers": summary.customers,
        "prospects": summary.prospects,
    }


def _label(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    progress(0.0, "labelling customers")
    workspace.labels.label(**options)
    return {"labels": workspace.labels.record().counts}


def _learn(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    record = workspace.profiles.learn(progress=progress, **options)
    return {"profile": record.number, "evidence": record.evidence}


def _score(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    run = workspace.scores.run(progress=progress, **options)
    return {"run": run.number, "rows": run.rows, "evaluable": run.evaluable}


def _refresh(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Import, label, and score with the profile in force: what a new month needs."""
    from icp.workflow.access import part_of

    result = _import(workspace, options, part_of(progress, 0.0, 0.5))
    result |= _label(workspace, {}, part_of(progress, 0.5, 0.6))
    if workspace.profiles.active() and result["prospects"]:
        result |= _score(workspace, {}, part_of(progress, 0.6, 1.0))
    return result


_WORK: Final[
    dict[JobKind, Callable[[Workspace, Mapping[str, Any], Progress], dict[str, Any]]]
] = {
    "import": _import,
    "label": _label,
    "learn": _learn,
    "score": _score,
    "refresh": _refresh,
}


class _Reporter:
    """Writes progress at most twice a second, and stops a cancelled job."""

    def __init__(self, queue: JobQueue, job_id: str, /) -> None:
        self._queue, self._job_id = queue, job_id
        self._next = 0.0

    def __call__(self, done: float, message: str, /) -> None:
        """Show how far the job is; raises CancelledError."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _WAIT_SECONDS
        if not self._queue.beat(self._job_id, done=done, message=message):
            raise CancelledError("the job was stopped")


class _Heart:
    """Reports that the job is alive; ends a process that cannot stop by itself."""

    def __init__(self, queue: JobQueue, job_id: str, /) -> None:
        self._queue, self._job_id = queue, job_id
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        refusals = 0
        while not self._stopped.wait(_BEAT_SECONDS):
            with suppress(StoreError):  # a busy store is no reason to stop
                refusals += not self._queue.beat(self._job_id)
            if refusals > _GRACE_BEATS:
                # A long native call does not see signals; nothing half-done is saved,
                # because results are recorded in one transaction at the end.
                self._queue.finish(self._job_id, "cancelled")
                os._exit(CancelledError.exit_code)


def _stop(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked twice, it still ends in order
    raise CancelledError("the job was stopped")


def _unexpected(error: Exception) -> str:
    return f"unexpected: {type(error).__name__}; run the same with the icp command"


if __name__ == "__main__":
    sys.exit(main())
