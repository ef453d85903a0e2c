"""Long work in a process of its own, so that no page waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from icp.errors import InputError
from icp.store.records import JobKind
from icp.workflow.access import Area, needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.store.jobs import JobQueue
    from icp.store.records import Job


_LOG: Final = ".icp/worker.log"
#: Workers that this process started and has to reap.
_children: list[subprocess.Popen[bytes]] = []


class Jobs(Area):
    """Background jobs; `icp.worker` does them, one at a time."""

    @property
    def queue(self) -> JobQueue:
        """The rows of the jobs, for the worker that does them."""
        return self._session.store.jobs

    @needs("analyst")
    def start(self, kind: JobKind, /, **options: Any) -> Job:
        """Do an import, label, learn, score or refresh in a process of its own.

        The job is queued; its worker waits for its turn by itself.
        """
        if kind not in get_args(JobKind):
            kinds = ", ".join(sorted(get_args(JobKind)))
            raise InputError(f"no job {kind!r}; use one of {kinds}")
        session = self._session
        job = self.queue.add(kind, options, actor=session.actor, role=session.role)
        _children[:] = [child for child in _children if child.poll() is None]
        _children.append(_spawn(session.path, job.id))
        return job

    @needs("viewer")
    def get(self, job_id: str, /) -> Job:
        """A background job as it stands; raises NotFoundError."""
        return self._session.store.jobs.get(job_id)

    @needs("analyst")
    def cancel(self, job_id: str, /) -> None:
        """Ask a job to stop; one that has ended stays as it is."""
        pid = self.queue.ask_cancel(job_id, actor=self._session.actor)
        if pid is not None:
            # A job that ended in this very moment is left; another user's reads it
            # in its row.
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)

    @needs("viewer")
    def list(self) -> Sequence[Job]:
        """All background jobs, newest first."""
        return self.queue.all()


def _spawn(workspace: Path, job_id: str) -> subprocess.Popen[bytes]:
    # The worker must find the same icp as this process, wherever it was started.
    package = str(Path(__file__).parents[2])
    paths = [package, os.environ.get("PYTHONPATH", "")]
    with (workspace / _LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "icp.worker", str(workspace), job_id],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
