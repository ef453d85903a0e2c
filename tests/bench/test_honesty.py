from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "honesty.md"
GUIDE = ROOT / "docs" / "honesty.md"


@pytest.fixture
def bench():
    return lambda name: importlib.import_module(f"bench.{name}")


@pytest.fixture
def rows(bench):
    return bench("honesty.rows")


def test_a_table_is_read_back_as_it_was_written(rows) -> None:
    two = [rows.row(*"abcde"), rows.row("S6", "x | y", "90 %", "91 %", "met")]
    page = "\n".join(["# Title", "", *rows.table(two), ""])
    assert rows.read_table(page) == [two[0], {**two[1], "claim": "x / y"}]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.9, "met"), (0.8, "missed by 0.050"), (1.0, "missed by 0.050")],
)
def test_misses_are_said_by_how_much(rows, value: float, said: str) -> None:
    assert rows.spread_over(value, 0.85, 0.95) == said


def test_one_sided_targets(rows) -> None:
    assert (rows.at_least(2, 2), rows.at_most(2, 2)) == ("met", "met")
    assert rows.at_least(1.5, 2) == rows.at_most(2.5, 2) == "missed by 0.500"


def test_new_figures_take_the_place_of_old_ones(bench, rows) -> None:
    honesty = bench("honesty.run")
    old = [rows.row(id, "c", "t", "old", "met") for id in ("S6", "S6", "S7", "min")]
    new = [rows.row(id, "c", "t", "new", "met") for id in ("S7", "S10")]
    told = honesty.exchanged(old, new)
    assert [(one["id"], one["figure"]) for one in told] == [
        *(("S6", "old"), ("S6", "old"), ("S7", "new"), ("S10", "new")),
        ("min", "old"),
    ]


def test_the_guide_shows_the_figures_that_were_measured(rows) -> None:
    measured = rows.read_table(RESULTS.read_text("utf-8"))
    figures = GUIDE.read_text("utf-8").split("<!-- figures -->")[1]
    assert rows.read_table(figures.split("<!-- end")[0]) == measured


def test_the_guide_explains_every_line() -> None:
    text = GUIDE.read_text("utf-8").split("## What each line means")[1]
    for part in ("S1", "S6", "S7", "S10", "S11", "S12", "D1", "null", "min"):
        assert f"**{part}" in text
    for law in ("P1", "P3", "P5", "P6", "P7", "P8", "P9", "P12", "P13", "P14", "P15"):
        assert f"- **{law}" in text


# --------------------------------------------------------------- the small form


@pytest.mark.parametrize(
    ("module", "measure", "runs"),
    [
        ("honesty.leaks", "seller_rows", 1),
        ("honesty.votes", "noise_rows", 2),
        ("honesty.votes", "copied_rows", 2),
    ],
)
def test_small_runs_give_whole_rows(bench, rows, module, measure, runs) -> None:
    for cells in getattr(bench(module), measure)(runs):
        assert tuple(cells) == rows.KEYS
        assert all(cells.values())


def test_more_best_customers_never_lower_a_cell(bench) -> None:
    assert [row["met"] for row in bench("honesty.votes").monotone_rows(12)] == [
        "met"
    ] * 2


def test_ordinary_accounts_are_not_called_unusual(bench) -> None:
    assert bench("honesty.intervals").novelty_row(200)["met"] == "met"


@pytest.mark.parametrize("seed", [0, 2])
def test_intervals_hold_the_truth_of_most_accounts(bench, seed: int) -> None:
    found = bench("honesty.intervals").held(60, seed=seed, share=0.5)
    assert 0.6 <= found.inside.mean() <= 1


def test_every_planted_leak_is_caught_once(bench) -> None:
    leaks = bench("honesty.leaks")
    assert len(leaks.LEAKS) == 12
    missed = [name for name in leaks.LEAKS if not leaks.is_caught(name, 0)]
    assert missed == []


@pytest.mark.slow
def test_circumstances_do_not_change_the_profile(bench) -> None:
    assert bench("honesty.determinism").determinism_row(4)["met"] == "met"


def test_the_truth_of_invented_customers_is_the_share_of_best(bench) -> None:
    frame, truth = bench("honesty.world").customers(20_000, seed=1, share=0.6)
    best = (frame["outcome"] == "best").to_numpy()
    assert best.mean() == pytest.approx(0.6, abs=0.02)
    for low, high in ((0, 0.3), (0.3, 0.6), (0.6, 0.8), (0.8, 1)):
        inside = (low <= truth) & (truth < high)
        assert best[inside].mean() == pytest.approx(truth[inside].mean(), abs=0.03)


def test_every_law_of_the_table_is_a_test_that_exists(bench) -> None:
    for law in bench("honesty.laws").LAWS:
        for test in law.tests:
            path, name = test.split("::")
            assert f"def {name}(" in (ROOT / path).read_text("utf-8")
