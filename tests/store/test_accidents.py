"""What goes wrong beside the program: odd places, other processes, damaged rows."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import sqlalchemy as sa

from icp.errors import StoreError
from icp.store.bulk import BulkFolder, replaced
from icp.store.database import Database
from icp.store.tables import meta

if TYPE_CHECKING:
    from pathlib import Path

    from icp.store.store import Store


@pytest.mark.parametrize("name", ["a?mode=ro", "50%", "a%20b", "a#b", "a b", "ä"])
def test_a_store_lies_in_the_folder_that_is_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    Database(folder / "icp.db").close()
    assert [file.name for file in folder.iterdir()] == ["icp.db"]
    assert [file.name for file in tmp_path.iterdir()] == [name]
    again = Database(folder / "icp.db")
    assert again.problem() == ""
    again.close()


def test_a_temporary_file_that_goes_while_one_looks_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = BulkFolder(tmp_path)
    gone = tmp_path / "gone.tmp"
    monkeypatch.setattr(type(tmp_path), "glob", lambda *_: iter([gone]))
    kept = folder.write(pl.DataFrame({"a": [1]}))
    assert [file.name for file in tmp_path.iterdir()] == [f"{kept.hash}.parquet"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "icp.toml"
    target.write_text("old")
    target.chmod(0o600)
    with replaced(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_long_file_name_can_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 240 + ".csv")
    with replaced(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("head", ["", "x:y", "-1:0", "½:0"])
def test_a_head_that_is_no_number_is_damage(store: Store, head: str) -> None:
    store.note("accept", "a", actor="ann")
    with store.database.write("eve") as tx:
        named = meta.update().where(meta.c.name == "event_chain")
        tx.connection.execute(named.values(value=head))
    with pytest.raises(StoreError, match="the head of the log is damaged; restore"):
        store.verify_events()
    with pytest.raises(StoreError, match="the head of the log is damaged; restore"):
        store.note("accept", "b", actor="ann")
    with store.database.read() as connection:
        kept = connection.execute(sa.text("SELECT subject FROM events")).scalars().all()
    assert kept == ["a"]


def test_every_job_that_is_lost_is_an_event_once(store: Store, clock: Any) -> None:
    first = store.jobs.add("import", {}, actor="ann", role="admin")
    store.jobs.claim(first.id, 1)
    clock.pass_time(seconds=1)
    waiting = store.jobs.add("label", {}, actor="ann", role="admin")
    clock.pass_time(seconds=40)
    last = store.jobs.add("learn", {}, actor="bob", role="admin")
    for _ in range(2):
        assert store.jobs.claim(last.id, 2) in {"claimed", "ended"}
    log = store.events(9).filter(pl.col("kind") == "job_lost").sort("seq")
    assert log["subject"].to_list() == [first.id, waiting.id]
    assert log["payload"].to_list() == ['{"kind":"import"}', '{"kind":"label"}']
    assert store.verify_events() == store.events(99).height == 5


def test_a_lost_job_does_not_rise_again(store: Store, clock: Any) -> None:
    job = store.jobs.add("import", {}, actor="ann", role="admin")
    store.jobs.claim(job.id, 1)
    clock.pass_time(seconds=31)
    store.jobs.ask_cancel(job.id, actor="ann")
    assert not store.jobs.beat(job.id, done=0.9)
    store.jobs.finish(job.id, "done", result={"rows": 3})
    ended = store.jobs.get(job.id)
    assert (ended.state, ended.result, ended.finished_at) == ("lost", {}, None)
    assert store.events(9)["kind"].to_list() == ["job_lost", "job_queued"]


@pytest.mark.parametrize(
    ("silent", "state"), [(30, "running"), (30.000001, "lost")], ids=["on", "past"]
)
def test_silence_of_more_than_half_a_minute_is_a_loss(
    store: Store, clock: Any, silent: float, state: str
) -> None:
    job = store.jobs.add("import", {}, actor="ann", role="admin")
    store.jobs.claim(job.id, 1)
    clock.pass_time(seconds=silent)
    assert store.jobs.get(job.id).state == state
    told = store.jobs.ask_cancel(job.id, actor="ann")
    assert told == (1 if state == "running" else None)
