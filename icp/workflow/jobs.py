"""Long work in a process of its own, so that no page waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import icp
from icp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from icp.store.records import Job, JobKind
    from icp.workflow.access import RoleName
    from icp.workflow.context import Context, Progress
    from icp.workflow.workspace import Workspace


_LOG: Final = ".icp/worker.log"
#: Workers that this process started and has to reap.
_children: list[subprocess.Popen[bytes]] = []


def start(
    context: Context, kind: JobKind, options: Mapping[str, Any], /, *, role: RoleName
) -> Job:
    """Queue a job and start its worker; the worker waits for its turn by itself."""
    if kind not in _WORK:
        message = f"no job {kind!r}; use one of {', '.join(sorted(_WORK))}"
        raise InputError(message)
    job = context.store.jobs.add(kind, options, actor=context.actor, role=role)
    _children[:] = [child for child in _children if child.poll() is None]
    _children.append(_spawn(context.path, job.id))
    return job


def cancel(context: Context, job_id: str, /) -> None:
    """Ask a job to stop; one that has ended stays as it is."""
    pid = context.store.jobs.ask_cancel(job_id, actor=context.actor)
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            return  # it ended in this very moment, or will read it in its row


def perform(
    workspace: Workspace,
    kind: JobKind,
    options: Mapping[str, Any],
    progress: Progress,
    /,
) -> dict[str, Any]:
    """Do a job's work here and now; returns plain values about what came out."""
    return _WORK[kind](workspace, options, progress)


def _spawn(workspace: Path, job_id: str) -> subprocess.Popen[bytes]:
    # The worker must find the same icp as this process, wherever it was started.
    package = str(Path(icp.__file__).parents[1])
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


def _import(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    summary = workspace.import_sources(progress=progress, **options)
    return {
        "import": summary.number,
        "changed": summary.changed,
        "customers": summary.customers,
        "prospects": summary.prospects,
    }


def _label(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    progress(0.0, "giving outcomes")
    workspace.label(**options)
    return {"labels": workspace.status().labels}


def _learn(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    record = workspace.learn(progress=progress, **options)
    return {"profile": record.number, "evidence": record.evidence}


def _score(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    run = workspace.score(progress=progress, **options)
    return {"run": run.number, "rows": run.rows, "evaluable": run.evaluable}


def _refresh(
    workspace: Workspace, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    """Import, label, and score with the profile in force: what a new month needs."""
    from icp.workflow.context import part_of

    done = _import(workspace, options, part_of(progress, 0.0, 0.5))
    done |= _label(workspace, {}, part_of(progress, 0.5, 0.6))
    if workspace.active() and done["prospects"]:
        done |= _score(workspace, {}, part_of(progress, 0.6, 1.0))
    return done


_WORK: Final[
    dict[JobKind, Callable[[Workspace, Mapping[str, Any], Progress], dict[str, Any]]]
] = {
    "import": _import,
    "label": _label,
    "learn": _learn,
    "score": _score,
    "refresh": _refresh,
}
