"""Small figures of learning, each beside a loop or a formula that says the same."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from generators.strategies import table_of
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from icp.learn import FitOptions, fit_profile
from icp.learn.boosting import Boosting, Contrast, pseudo_weights, rounds_belief
from icp.learn.cells import Cells
from icp.learn.contrast import (
    CrossFit,
    _base_logit,
    _every,
    _lowest_auc,
    _share,
    _smooth_weights,
)
from icp.learn.evidence import overall_evidence
from icp.learn.fit import _information, _millinats, _refits, _weights
from icp.learn.screen import _missing_that_counts
from icp.learn.surprises import _per_mille, _thin
from icp.stats import auc_interval, log_loss, sigmoid

SIZE = 4


def cells_of(codes: list[list[int]]) -> Cells:
    """Rows of cell codes of tables with two cells each."""
    matrix = np.array(codes, dtype=np.int32)
    tables = [table_of(f"t{j}", "flag", (0,) * SIZE) for j in range(matrix.shape[1])]
    return Cells(
        tables=tuple(tables),
        codes=matrix,
        positions=tuple(np.full(SIZE, np.nan) for _ in tables),
        rows=np.arange(len(matrix)),
    )


# -------------------------------------------------------------------------- information


def test_information_is_what_an_attribute_moves_those_who_have_it_by() -> None:
    cells = cells_of([[2, 0], [3, 0], [0, 0], [3, 0], [1, 0]])
    points = (np.array([0.0, 0.3, -0.5, 0.1]), np.array([0.0, 9.0, 9.0, 9.0]))
    found = _information(cells, Contrast(base=7.0, points=points))
    assert found.tolist() == [1000 * (0.5 + 0.1 + 0.1 + 0.3) / 4, 0]


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1),
    st.lists(st.integers(-3000, 3000), min_size=8, max_size=8),
)
def test_information_equals_its_loops(
    codes: list[list[int]], millinats: list[int]
) -> None:
    points = np.array(millinats).reshape(2, SIZE)
    points[:, 0] = 0  # being missing says nothing
    contrast = Contrast(base=0.0, points=tuple(points / 1000))
    found = _information(cells_of(codes), contrast)
    for j in range(2):
        known = sum(row[j] > 0 for row in codes)
        moved = sum(abs(int(points[j, row[j]])) for row in codes)
        assert found[j] == pytest.approx(moved / max(known, 1), abs=0.5001)


@pytest.mark.parametrize(
    ("information", "weights"),
    [
        ([], []),
        ([0, 0], [1000, 1000]),
        ([100, 33, 1, 0], [1000, 330, 50, 50]),
        ([3, 2, 1], [1000, 666, 333]),
    ],
)
def test_the_most_telling_attribute_counts_in_full(
    information: list[int], weights: list[int]
) -> None:
    assert _weights(np.array(information, dtype=np.int64)).tolist() == weights


@pytest.mark.parametrize(
    ("rows", "refits"), [(10, 200), (999, 200), (1000, 80), (4999, 80), (5000, 30)]
)
def test_more_customers_need_fewer_refits(rows: int, refits: int) -> None:
    assert _refits(rows) == refits


@pytest.mark.parametrize(
    ("nats", "millinats"),
    [(0.0015, 2), (0.0025, 2), (-0.0015, -2), (0.00149999999999, 2), (0.001499, 1)],
)
def test_millinats_do_not_hang_on_the_last_digit(nats: float, millinats: int) -> None:
    assert _millinats(nats) == millinats


# ------------------------------------------------------------------------------ mixing


def rows_of(count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, log-odds that tell them apart, and log-odds that do not."""
    draw = np.random.default_rng(seed)
    telling = draw.normal(0, 2, count)
    return draw.random(count) < sigmoid(telling), telling, draw.normal(0, 2, count)


def test_the_better_part_gets_the_larger_share() -> None:
    positive, telling, noise = rows_of(400)
    assert _share(telling, noise, positive) > 0.7
    assert _share(noise, telling, positive) < 0.15


def test_where_both_parts_say_the_same_a_fifth_is_smooth() -> None:
    positive, telling, _ = rows_of(40)
    assert _share(telling, telling, positive) == 0.2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [14, 60, 200])
def test_the_share_is_the_likeliest_with_its_belief(count: int, seed: int) -> None:
    positive, smooth, other = rows_of(count, seed=seed)
    boosted = 0.5 * smooth + 0.5 * other

    def lost(share: float) -> float:
        belief = 0.2 * math.log(share) + 0.8 * math.log(1 - share)
        mixed = sigmoid(share * smooth + (1 - share) * boosted)
        return count * log_loss(mixed, positive) - 12 * belief

    tried = [place / 20 for place in range(1, 20)]
    assert _share(smooth, boosted, positive) == min(tried, key=lost)


def test_settings_that_hardly_count_are_left_out() -> None:
    positive, telling, noise = rows_of(300)
    close = telling + 1e-3 * noise
    weights = _smooth_weights(np.array([telling, noise, close]), positive)
    assert weights[1] == 0
    assert weights.sum() == pytest.approx(1, abs=2e-6)
    losses = [300 * log_loss(sigmoid(one), positive) for one in (telling, close)]
    assert weights[0] / weights[2] == pytest.approx(
        math.exp(losses[1] - losses[0]), rel=1e-4
    )


def test_weights_shift_with_belief_and_not_with_the_size_of_losses() -> None:
    losses = np.array([5.0, 6.0, 900.0])
    plain = pseudo_weights(losses)
    assert pseudo_weights(losses + 1e6) == pytest.approx(plain)
    believed = pseudo_weights(losses, np.log([1.0, 3.0, 1.0]))
    assert believed[1] / believed[0] == pytest.approx(3 * plain[1] / plain[0])


@pytest.mark.parametrize("customers", [16, 100, 1600, 10**6])
def test_rounds_are_believed_in_around_their_number(customers: int) -> None:
    rounds = np.arange(0, 301, 10)
    found = rounds_belief(rounds, customers)
    expected = min(300, 100 * (customers / 100) ** 0.25)
    assert abs(rounds[found.argmax()] - expected) <= 10
    for number, belief in zip(rounds.tolist(), found, strict=True):
        away = math.log(max(number, 5) / expected)
        wanted = math.log(math.exp(-16 * away**2) + math.exp(-5))
        assert belief == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("count", "every"), [(1, 1), (20_000, 1), (20_001, 2), (40_000, 2), (40_001, 3)]
)
def test_many_customers_are_thinned(count: int, every: int) -> None:
    assert _every(np.arange(count)) == every


def test_the_base_rate_is_exactly_opposite_when_outcomes_are_exchanged() -> None:
    positive = np.arange(37) < 12
    assert _base_logit(positive) == -_base_logit(~positive)
    assert _base_logit(positive) == pytest.approx(math.log(12.5 / 25.5))


# ---------------------------------------------------------------------------- evidence


def unbalanced() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-odds, outcomes of which best is rare, and groups of two rows each."""
    draw = np.random.default_rng(1)
    positive = np.arange(240) % 12 < 2
    return draw.normal(positive * 0.4), positive, np.arange(240) // 2


@pytest.mark.parametrize("exchanged", [False, True])
def test_the_rarer_outcome_says_how_sure_a_ranking_is(exchanged: bool) -> None:
    logits, positive, groups = unbalanced()
    one, side = (-logits, ~positive) if exchanged else (logits, positive)
    z = 2.6 * (1 + 0.6 / 20)
    low, _ = auc_interval(logits, positive, groups=groups, z=z)
    assert _lowest_auc(one, side, groups) == pytest.approx(low)


@pytest.mark.parametrize("exchanged", [False, True])
@pytest.mark.parametrize("separates", [False, True])
def test_the_interval_of_evidence_by_the_rarer_outcome(
    separates: bool,
    exchanged: bool,
) -> None:
    logits, positive, groups = unbalanced()
    if exchanged:
        logits, positive = -logits, ~positive
    cross = CrossFit(
        settings=(),
        boosting=Boosting(tails=(), cautious=False),
        share=0.2,
        separates=separates,
        rows=np.arange(240),
        logits=logits,
        groups=groups,
    )
    z = 1.6449 * (1 if separates else math.sqrt(2) * (1 + 5 / 20))
    low, high = auc_interval(logits, positive, groups=groups, z=z)
    found = overall_evidence(cross, positive)
    assert found.auc_low == pytest.approx(low, abs=1e-6)
    assert found.auc_high == pytest.approx(high, abs=1e-6)


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=4, max_size=60
    )
)
def test_being_missing_counts_by_a_test_of_two_shares(
    customers: list[tuple[bool, bool, bool]],
) -> None:
    positive = np.array([best for best, *_ in customers])
    if positive.all() or not positive.any():
        return
    codes = [[0 if gap else 2 for gap in gaps] for _, *gaps in customers]
    found = _missing_that_counts(cells_of(codes), np.arange(len(codes)), positive)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    for j in range(2):
        gaps = np.array([row[j] == 0 for row in codes])
        share = gaps.mean()
        away = abs(gaps[positive].mean() - gaps[~positive].mean())
        spread = math.sqrt(share * (1 - share) * (1 / ones + 1 / zeros))
        chance = 2 * norm.sf(away / spread) if spread else 1.0
        assert found[j] == (chance < 0.10)


# ---------------------------------------------------------------------------- novelty


@pytest.mark.parametrize("count", [0, 1, 998, 999])
def test_few_distances_are_all_kept(count: int) -> None:
    distances = np.random.default_rng(0).permutation(count)
    assert _thin(distances) == tuple(range(count))


@pytest.mark.parametrize("count", [1000, 1500, 50_000])
def test_many_distances_are_thinned_evenly_from_end_to_end(count: int) -> None:
    found = _thin(np.random.default_rng(0).permutation(count))
    assert (len(found), found[0], found[-1]) == (999, 0, count - 1)
    gaps = set(np.diff(found).tolist())
    assert gaps <= {(count - 1) // 998, (count - 1) // 998 + 1}


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([0, 0, 1, 2], (0, 0, 333, 667)),
        ([0, 0, 0, 0], (0, 0, 0, 0)),
        ([5, 0, 0, 5], (500, 0, 0, 500)),
    ],
)
def test_shares_of_a_segment_are_per_mille_of_its_customers(
    counts: list[int], shares: tuple[int, ...]
) -> None:
    assert _per_mille(np.array(counts, dtype=np.float64)) == shares


# ----------------------------------------------------------------------------- the hash


def hashed(frame: pl.DataFrame) -> str:
    quick = FitOptions(refits=0, max_segments=1)
    return fit_profile(frame, options=quick).provenance.data_hash


def test_the_hash_of_the_data_is_that_of_cells_and_outcomes() -> None:
    frame = pl.DataFrame(
        {
            "outcome": ["best", "best", "regrettable", "neutral"] * 6,
            "kind": ["a", "b", "b", "a"] * 6,
        }
    )
    own = hashed(frame)
    assert hashed(frame.reverse().select("kind", "outcome")) == own
    young = frame.head(3).with_columns(outcome=pl.lit("unknown"))
    assert hashed(pl.concat([frame, young])) == own
    others = [
        frame.with_columns(pl.col("outcome").replace("neutral", "best")),
        frame.with_columns(pl.col("kind").replace("a", "c")),
        frame.rename({"kind": "sort"}),
        pl.concat([frame, frame.head(1)]),
    ]
    assert len({own, *map(hashed, others)}) == 5
