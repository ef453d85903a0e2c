"""Background work on the screen: start it, follow it, stop it, come back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from icp.dashboard import components
from icp.dashboard.components import day, escaped, quiet
from icp.errors import IcpError, some

if TYPE_CHECKING:
    from icp.store.records import Job, JobKind
    from icp.workflow import Workspace


_SECONDS: Final = 0.7
_WORDS: Final = {
    "queued": "Waiting to start",
    "running": "Working",
    "done": "Done",
    "cancelled": "Stopped",
    "failed": "Failed",
    "lost": "Stopped unexpectedly; start it again",
}
#: What the result of a job counts, and the noun for one.
_COUNTS: Final = {
    "customers": "customer",
    "prospects": "prospect",
}


def newest(space: Workspace, kind: JobKind, /) -> Job | None:
    """The last job of that kind, whoever started it."""
    same = [job for job in space.jobs.list() if job.kind == kind]
    return max(
        same,
        key=lambda job: (job.created_at is not None, job.created_at, job.id),
        default=None,
    )


def button(
    space: Workspace,
    kind: JobKind,
    label: str,
    /,
    *,
    primary: bool = True,
    **options: Any,
) -> None:
    """A button that starts the work; it waits while the same work is going on."""
    job = newest(space, kind)
    if st.button(
        label,
        key=f"start-{kind}",
        type="primary" if primary else "secondary",
        disabled=job is not None and job.live,
    ):
        try:
            space.jobs.start(kind, **options)
        except IcpError as error:
            components.problem(str(error))
        else:
            st.rerun()


def panel(space: Workspace, kind: JobKind, /) -> Job | None:
    """Follow the newest job of that kind until it ends; returns it."""
    job = newest(space, kind)
    if job is None:
        return None
    if not job.live:
        _result(job)
        return job
    st.fragment(_follow, run_every=_SECONDS)(space, job.id)
    return job


def _follow(space: Workspace, job_id: str) -> None:
    job = space.jobs.get(job_id)
    if not job.live:
        st.rerun()
    words = f"{_WORDS[job.state]}: {job.message}" if job.message else _WORDS[job.state]
    st.progress(min(1.0, max(0.0, job.done)), text=escaped(words))
    st.button("Stop", on_click=_stop, args=(space, job_id), key=f"stop-{job_id}")
    if why := st.session_state.get(_refusal(job_id)):
        components.problem(why)


def _stop(space: Workspace, job_id: str) -> None:
    try:
        space.jobs.cancel(job_id)
    except IcpError as error:
        # The panel is drawn anew all the time; the word stays until the work ends.
        st.session_state[_refusal(job_id)] = str(error)


def _refusal(job_id: str) -> str:
    return f"not-stopped-{job_id}"


def _result(job: Job) -> None:
    if job.state == "failed":
        components.problem(job.error or job.message)
    elif job.state != "done":
        st.warning(f"{_WORDS[job.state]}.")
    else:
        st.markdown(quiet(escaped(_summary(job))))


def _summary(job: Job) -> str:
    counts = [
        some(job.result[name], noun)
        for name, noun in _COUNTS.items()
        if name in job.result
    ]
    if "evaluable" in job.result:
        counts.append(f"{job.result['evaluable']:,} with a fit")
    ending = f": {', '.join(counts)}" if counts else ""
    return f"Done on {day(job.finished_at)}{ending}."
