"""Background work: a row per job, one running at a time, silence means lost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

import sqlalchemy as sa

from icp.errors import NotFoundError
from icp.store.database import canonical
from icp.store.records import Job
from icp.store.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from icp.store.database import Database, Transaction
    from icp.store.records import JobKind


#: A worker that was silent for so long is dead.
LOST_AFTER: Final = timedelta(seconds=30)
_LIVE: Final = ("queued", "running")


class JobQueue:
    """The jobs of one workspace."""

    def __init__(self, database: Database, /) -> None:
        self._database = database

    def add(
        self, kind: JobKind, options: Mapping[str, Any], /, *, actor: str, role: str
    ) -> Job:
        """Queue a job."""
        with self._database.write(actor) as tx:
            job_id = uuid4().hex
            row = {
                "id": job_id,
                "kind": kind,
                "state": "queued",
                "actor": actor,
                "role": role,
                "options": canonical(dict(options)),
                "done": 0.0,
                "message": "waiting to start",
                "result": "{}",
                "error": "",
                "cancel_asked": False,
                "created_at": tx.now,
            }
            tx.connection.execute(jobs.insert().values(**row))
            tx.log("job_queued", job_id, kind=kind)
            return _job(_row(tx.connection, job_id), tx.now)

    def get(self, job_id: str, /) -> Job:
        """A job as it stands; raises NotFoundError."""
        with self._database.read() as connection:
            return _job(_row(connection, job_id), self._database.clock())

    def role(self, job_id: str, /) -> Any:
        """The role of the person who asked for the job."""
        with self._database.read() as connection:
            return _row(connection, job_id).role

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        query = sa.select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id)
        now = self._database.clock()
        with self._database.read() as connection:
            return [_job(row, now) for row in connection.execute(query)]

    def claim(self, job_id: str, pid: int, /) -> Literal["claimed", "wait", "ended"]:
        """Start a queued job if no other runs and none has waited longer."""
        with self._database.write("worker") as tx:
            _bury(tx)
            row = _row(tx.connection, job_id)
            if row.state != "queued":
                return "ended"
            beat = {"heartbeat_at": tx.now, "pid": pid}
            if _ahead(tx.connection, row):
                _set(tx, job_id, **beat)
                return "wait"
            start = {"state": "running", "started_at": tx.now, "message": "starting"}
            _set(tx, job_id, **beat, **start)
            return "claimed"

    def beat(self, job_id: str, /, **progress: Any) -> bool:
        """Show a sign of life, with `done` and `message` if known.

        Returns whether the job should go on: nobody asked to cancel it, and nobody
        declared it lost meanwhile.
        """
        with self._database.write("worker") as tx:
            row = _row(tx.connection, job_id)
            _set(tx, job_id, heartbeat_at=tx.now, **progress)
            return row.state == "running" and not row.cancel_asked

    def finish(
        self,
        job_id: str,
        state: Literal["done", "failed", "cancelled"],
        /,
        *,
        result: Mapping[str, Any] | None = None,
        error: str = "",
    ) -> None:
        """End a job that still runs; one that has ended stays as it is."""
        with self._database.write("worker") as tx:
            row = _row(tx.connection, job_id)
            if row.state in _LIVE:
                outcome = {"result": canonical(dict(result or {})), "error": error}
                progress = {"done": 1.0} if state == "done" else {}
                message = {"done": "finished", "failed": "failed"}.get(state, "stopped")
                end = {"finished_at": tx.now, "message": message}
                _set(tx, job_id, state=state, **outcome, **progress, **end)
                tx.log(f"job_{state}", job_id, kind=row.kind)

    def ask_cancel(self, job_id: str, /, *, actor: str) -> int | None:
        """Ask a job to stop; returns the process to tell, if it runs."""
        with self._database.write(actor) as tx:
            _bury(tx)
            row = _row(tx.connection, job_id)
            if row.state not in _LIVE:
                return None
            tx.log("job_cancel_asked", job_id)
            if row.state == "running":
                _set(tx, job_id, cancel_asked=True)
                return int(row.pid)
            _set(tx, job_id, state="cancelled", finished_at=tx.now, message="stopped")
            return None


def _row(connection: Connection, job_id: str) -> Row[Any]:
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        message = f"no job {job_id!r}; icp doctor lists what there is"
        raise NotFoundError(message)
    return row


def _set(tx: Transaction, job_id: str, **values: Any) -> None:
    tx.connection.execute(jobs.update().where(jobs.c.id == job_id).values(**values))


def _bury(tx: Transaction) -> None:
    """Declare silent jobs lost, so that they block nobody."""
    sign_of_life = sa.func.coalesce(jobs.c.heartbeat_at, jobs.c.created_at)
    silent = jobs.c.state.in_(_LIVE) & (sign_of_life < tx.now - LOST_AFTER)
    query = sa.select(jobs.c.id, jobs.c.kind).where(silent).order_by(jobs.c.created_at)
    for job_id, kind in tx.connection.execute(query).all():
        _set(tx, job_id, state="lost")
        tx.log("job_lost", job_id, kind=kind)


def _ahead(connection: Connection, row: Row[Any]) -> bool:
    earlier = (jobs.c.created_at < row.created_at) | (
        (jobs.c.created_at == row.created_at) & (jobs.c.id < row.id)
    )
    first = (jobs.c.state == "running") | ((jobs.c.state == "queued") & earlier)
    query = sa.select(sa.func.count()).select_from(jobs).where(first)
    return bool(connection.execute(query.where(jobs.c.id != row.id)).scalar_one())


def _job(row: Row[Any], now: datetime) -> Job:
    silent = now - (row.heartbeat_at or row.created_at) > LOST_AFTER
    lost = row.state in _LIVE and silent
    return Job(
        id=row.id,
        kind=row.kind,
        state="lost" if lost else row.state,
        actor=row.actor,
        done=row.done,
        message=row.message,
        options=json.loads(row.options),
        result=json.loads(row.result),
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        finished_at=row.finished_at,
    )
