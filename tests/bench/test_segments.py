from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "segments.md"


@pytest.fixture
def bench():
    return lambda name: importlib.import_module(f"bench.{name}")


@pytest.mark.parametrize(
    ("name", "columns", "segments"),
    [
        *(("normal", 6, 1), ("skewed", 6, 1), ("correlated", 6, 1), ("mixed", 8, 1)),
        *(("each_apart", 6, 3), ("in_a_row", 6, 3), ("among_noise", 12, 3)),
        ("mixed_apart", 6, 3),
    ],
)
def test_what_is_drawn(bench, name: str, columns: int, segments: int) -> None:
    frame, member = getattr(bench("honesty.segments"), name)(
        300, np.random.default_rng(0)
    )
    assert frame.shape == (300, columns)
    assert len(set(member.tolist())) == segments
    gaps = sum(frame.null_count().row(0)) / frame.height / columns
    assert gaps == pytest.approx(0.2 if name.startswith("mixed") else 0.0, abs=0.05)


def test_segments_are_lifted_by_two_deviations(bench) -> None:
    draw = np.random.default_rng(0)
    frame, member = bench("honesty.segments").each_apart(6_000, draw)
    values = frame.to_numpy()
    for column in range(6):
        lifted = values[member == column % 3, column].mean()
        rest = values[member != column % 3, column].mean()
        assert lifted - rest == pytest.approx(2.0, abs=0.15)


def test_a_line_for_each_draw_says_whether_it_is_met(bench) -> None:
    found = bench("honesty.segments")
    told = found._recovered(found.in_a_row, 1, 0)
    assert (told["id"], told["met"]) == ("S2", "met")
    assert told["figure"].startswith("100.0% of 1 runs, 0.9")
    assert "in each of them small, middle and large are 2 SD apart" in told["claim"]


def test_invented_segments_are_counted_by_size(bench, monkeypatch) -> None:
    found = bench("honesty.segments")
    counts = iter([1, 2, 1, 1, 1, 1, 3, 2])
    monkeypatch.setattr(found, "_split", lambda drawn: (next(counts), 0.0))
    told = found._invented(found.normal, 2, 0)
    assert told["figure"] == "splits in 2 runs: 1 at 30, 0 at 60, 0 at 120, 2 at 500"
    assert told["met"] == "missed by 0.950"


def test_our_mixture_is_that_of_stepmix(bench) -> None:
    pytest.importorskip("stepmix")
    found = bench("honesty.mixture")
    codes = found._latent_classes(1_500, np.random.default_rng(3))
    log_likelihood, parameter = found._differences(codes)
    assert log_likelihood < 1e-3
    assert parameter < 0.02


def test_priors_pay_among_twenty(bench) -> None:
    found = bench("honesty.mixture")
    codes = found._latent_classes(300, np.random.default_rng(4))
    data = found.cell_rows(codes, np.zeros(8, dtype=bool), prior=4.0)
    assert found._gained(data, 20, np.random.default_rng(5)) > 0


def test_the_speed_draw_has_gaps_and_levels_as_described(bench) -> None:
    found = bench("segments.run")
    frame, member = found.drawn(4_000, 1)
    assert frame.shape == (4_000, 12)
    shares = np.array(frame.null_count().row(0)) / 4_000
    assert shares == pytest.approx(np.linspace(0.05, 0.4, 12), abs=0.03)
    levels = [frame[name].drop_nulls().n_unique() for name in found.CATEGORIES]
    assert all(n <= most for n, most in zip(levels, found.LEVELS, strict=True))
    assert sorted(set(member.tolist())) == [0, 1, 2, 3, 4]
    again, _ = found.drawn(4_000, 1)
    assert again.equals(frame)


def test_ours_finds_the_planted_segments(bench) -> None:
    found = bench("segments.run")
    frame, member = found.drawn(3_000, 1)
    seconds, labels = found._ours(frame, 0)
    assert seconds > 0
    assert found.adjusted_rand_score(member, labels) > 0.7


def test_ratios_compare_the_same_draws(bench) -> None:
    found = bench("segments.run")
    runs = [{"seconds": 10.0}, {"seconds": 40.0}, {"seconds": 9.0}]
    ours = [{"seconds": 1.0}, {"seconds": 2.0}, {"seconds": 3.0}]
    assert found._ratio(runs, ours, "seconds") == 10.0
    assert found._ratio(runs[:1], ours, "seconds") == 10.0


def test_the_committed_page_has_every_method(bench) -> None:
    if not RESULTS.exists():
        pytest.skip("not measured yet")
    page = RESULTS.read_text("utf-8")
    assert all(title in page for title in bench("segments.run").TITLES.values())
