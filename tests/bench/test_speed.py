from __future__ import annotations

import json

import polars as pl
import pytest

from icp.learn import FitOptions, fit_profile
from icp.scoring import SCORE_COLUMNS

pytest.importorskip("sklearn", reason="the bench extra is not installed")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.delenv("ICP_DATA", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    from bench.speed import accounts as speed_data
    from bench.speed import tasks as speed_tasks

    monkeypatch.setattr(speed_data, "_DRAWN", 50)
    options = FitOptions(refits=0, max_segments=1)
    customers = speed_data.customers(200, seed=2)
    monkeypatch.setattr(
        speed_data, "learnt", lambda: fit_profile(customers, options=options)
    )
    speed_tasks._draw(tmp_path, 120)
    return tmp_path


def test_customers_are_the_same_again_and_miss_what_is_said():
    from bench.speed.accounts import COLUMNS, customers

    frame = customers(2_000, seed=1)
    assert frame.equals(customers(2_000, seed=1))
    assert not frame.equals(customers(2_000, seed=2))
    assert frame.columns == [*COLUMNS, "outcome"]
    missing = [frame[name].null_count() / frame.height for name in COLUMNS]
    assert missing == pytest.approx([0.05 + 0.35 * i / 11 for i in range(12)], abs=0.04)
    assert set(frame["outcome"]) == {"best", "regrettable"}


def test_long_files_repeat_what_was_drawn_under_new_ids(folder):
    accounts = pl.read_parquet(folder / "accounts-120.parquet")
    assert accounts.height == accounts["account_id"].n_unique() == 120
    values = accounts.drop("account_id")
    assert values[:20].equals(values[50:70])
    assert values[:20].equals(values[100:])


def test_made_up_pairs_fit_their_tables(folder):
    from icp.profile import Profile

    profile = Profile.from_json((folder / "pairs.json").read_text("utf-8"))
    assert len(profile.pairs) == 12
    assert len({pair.name for pair in profile.pairs}) == 12


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("copy", 13),
        ("floor", 2),
        ("three", 4),
        ("score", 15),
        ("pairs", 15),
        ("parts", 28),
        ("all", 27),
        ("read", 12),
        ("unwritten", 14),
        ("copy lz4", 13),
        ("score lz4", 15),
    ],
)
def test_every_task_writes_what_it_says(folder, task, columns):
    from bench.speed import tasks as speed_tasks

    taken = speed_tasks._taken(speed_tasks._file_task(task, folder, 120))
    assert set(taken) == {"seconds", "cpu", "peak"}
    written = pl.read_parquet(folder / f"{task}.parquet")
    if task == "parts":
        columns += len(speed_tasks._load(folder, "score").pairs)
    height = 1 if task in {"read", "unwritten"} else 120
    assert written.shape == (height, columns)
    if task == "score":
        assert written.columns == ["account_id", *SCORE_COLUMNS]


def test_what_was_scored_is_copied(folder):
    from bench.speed import tasks as speed_tasks

    speed_tasks._file_task("pairs", folder, 120)()
    speed_tasks._file_task("rewrite", folder, 120)()
    written = [pl.read_parquet(folder / f"{t}.parquet") for t in ("pairs", "rewrite")]
    assert written[0].equals(written[1])


def test_single_accounts_are_scored_and_explained(folder):
    from bench.speed import tasks as speed_tasks

    found = speed_tasks._one(folder, 120)
    assert {name.split()[1] for name in found} == {"load", "score_one", "explain"}


def test_the_peer_reads_and_writes_the_same_accounts(folder):
    from bench.speed import tasks as speed_tasks

    speed_tasks._peer("logistic", folder, 120)
    written = pl.read_parquet(folder / "scored.parquet")
    assert written.columns == ["account_id", "p"]
    assert written["p"].is_between(0, 1).all()


def test_without_open_data_the_demo_is_learnt_from():
    from bench.speed import tasks as speed_tasks

    task = speed_tasks._fit_task(60)
    assert (task.name, task.frame.height) == ("demo", 60)
    assert task.frame.columns == list(task.schema.names)
    assert 0 < task.best.sum() < 60


def test_the_page_says_what_was_measured(folder, monkeypatch, capsys):
    from bench.speed import run as speed

    run = {"seconds": 2.0, "cpu": 1.0, "peak": 100.0}
    facts = {"megabytes": 1, "tables": 12, "segments": 2, "pairs": 0, "kilobytes": 9}
    one = {
        f"{name} {what}": 1.0
        for name in ("score", "pairs")
        for what in (
            "load",
            *(f"{c}{e}" for c in ("score_one", "explain") for e in ("", " all")),
        )
    }
    answers = {
        "draw": facts,
        "one": one,
        "fit ours": {**run, "rows": 9, "of": 3, "name": "demo"},
    }
    monkeypatch.setattr(speed, "_child", lambda task, *_, **__: answers.get(task, run))
    monkeypatch.setattr(speed, "RESULTS", folder / "speed.md")
    monkeypatch.setattr("sys.argv", ["speed.py", "--rows", "1000", "--rounds", "1"])
    speed.main()
    page = (folder / "speed.md").read_text("utf-8")
    assert page.count("| 2.00 | 1.00 |") == len(speed.TASKS) + len(speed.PEERS) + 2
    assert "| EBM, defaults (no intervals, no calibration) | 2.0 | 1.0 | 100 |" in page
    assert (
        "| seconds beside copying the file, 14 columns | 1 | at most 1.3 | met |"
        in page
    )
    assert json.dumps(run["peak"]) not in page
    assert "## One account at a time" in capsys.readouterr().out
