from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers, segmented_customers
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import CancelledError, SchemaError, TooFewCustomersError
from icp.learn import FitOptions, fit_profile
from icp.profile import Profile
from icp.schema import AccountSchema
from icp.scoring import score
from icp.stats import auc

QUICK = FitOptions(refits=10, max_segments=1)
KINDS = ("best", "regrettable")
SMALL = closed_customers(90).drop("account_id")


def learnt(frame: pl.DataFrame = SMALL, **options) -> Profile:
    return fit_profile(frame, **{"options": QUICK, **options})


def numbers(profile: Profile):
    return (
        profile.base,
        {t.name: (t.points, t.pooled, t.best, t.information) for t in profile.tables},
        [segment.surprises for segment in profile.segments],
        profile.calibration,
        profile.novelty,
    )


def margins(profile: Profile, frame: pl.DataFrame) -> np.ndarray:
    wanted = frame.select(*profile.columns)
    return score(wanted, profile)["margin"].to_numpy()


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(SMALL.height)), st.permutations(SMALL.columns))
def test_order_of_rows_and_columns_changes_nothing(rows, columns) -> None:
    assert learnt(SMALL[rows].select(columns)).id == learnt().id


@settings(max_examples=10, deadline=None)
@given(st.permutations(["Retail", "Bank", "Health", "Energy"]), st.integers(-30, 30))
def test_names_of_levels_and_units_change_nothing(names, power) -> None:
    old = ["Retail", "Bank", "Health", "Energy"]
    renamed = SMALL.with_columns(
        pl.col("industry").replace_strict(dict(zip(old, names, strict=True))),
        pl.col("employees") * 2.0**power,
    )
    assert numbers(learnt(renamed)) == numbers(learnt())


def test_the_same_customers_give_the_same_profile_again() -> None:
    full = FitOptions(refits=20)
    assert learnt(options=full).id == learnt(options=full).id


def test_swapping_best_and_regrettable_mirrors_every_contribution() -> None:
    swapped = SMALL.with_columns(
        pl.col("outcome").replace({"best": "regrettable", "regrettable": "best"})
    )
    profile, mirror = learnt(), learnt(swapped)
    assert mirror.base == -profile.base
    assert [t.points for t in mirror.tables] == [
        tuple(-p for p in t.points) for t in profile.tables
    ]


def test_a_constant_or_empty_column_contributes_nothing() -> None:
    more = SMALL.with_columns(
        same=pl.lit("x"), empty=pl.lit(None, pl.String), none=pl.lit(None, pl.Float64)
    )
    profile = learnt(more)
    assert numbers(profile) == numbers(learnt())
    assert {f.column for f in profile.provenance.findings} == {"same", "empty", "none"}


def test_missing_and_never_seen_never_get_a_columns_best_value() -> None:
    for table in learnt(closed_customers(400)).tables:
        if any(table.points):
            assert max(table.points[:2]) < max(table.points[2:])


def test_the_profile_separates_new_customers() -> None:
    profile = learnt(closed_customers(400, seed=1))
    new = closed_customers(600, seed=2)
    ranked = auc(
        margins(profile, new).astype(float), new["outcome"].to_numpy() == "best"
    )
    assert ranked > 0.75
    assert profile.provenance.evidence.level in {"moderate", "strong"}


def test_its_measured_quality_is_what_new_customers_show() -> None:
    new = closed_customers(2_000, seed=99)
    best = new["outcome"].to_numpy() == "best"
    covered = 0
    for seed in range(12):
        profile = learnt(closed_customers(250, seed=seed))
        real = auc(margins(profile, new).astype(float), best)
        evidence = profile.provenance.evidence
        covered += evidence.auc_low <= real <= evidence.auc_high
    assert covered >= 8


@pytest.mark.parametrize("count", [60, 200])
def test_bounds_hold_the_truth_about_as_often_as_they_say(count: int) -> None:
    new = closed_customers(1_500, seed=99)
    truth = true_chance(new)
    held = []
    for seed in range(10):
        profile = learnt(
            closed_customers(count, seed=seed),
            options=FitOptions(refits=60, max_segments=1),
        )
        if profile.calibration.thresholds:
            steps = [profile.calibration.step(int(m)) for m in margins(profile, new)]
            low = np.array(profile.calibration.low)[steps] / 1000
            high = np.array(profile.calibration.high)[steps] / 1000
            held.append(((low <= truth) & (truth <= high)).mean())
    assert len(held) >= 6
    assert 0.8 <= np.mean(held) <= 0.98


def true_chance(frame: pl.DataFrame) -> np.ndarray:
    staff = frame["employees"].fill_null(np.exp(4)).to_numpy()
    industry = frame["industry"].to_numpy()
    logit = 1.5 * (industry == "Retail") - 1.2 * (industry == "Bank")
    return 1 / (1 + np.exp(-(logit + 0.8 * (np.log(staff) - 4))))


def test_counts_are_those_of_the_customers() -> None:
    profile = learnt()
    industry = next(t for t in profile.tables if t.name == "industry")
    for cell, best, bad in zip(
        industry.cells, industry.best[2:], industry.regrettable[2:], strict=True
    ):
        rows = SMALL.filter(pl.col("industry") == cell)["outcome"]
        assert (best, bad) == ((rows == "best").sum(), (rows == "regrettable").sum())


def test_noise_says_that_nothing_separates_and_grades_nobody() -> None:
    profile = learnt(closed_customers(300, strength=0.0).drop("account_id"))
    assert profile.provenance.evidence.level == "none"
    assert profile.calibration.thresholds == ()
    assert "No attribute separates best from regrettable" in profile.provenance.notes[0]


def test_noise_mostly_gives_no_points_and_never_many() -> None:
    largest = []
    for seed in range(6):
        frame = closed_customers(300, strength=0.0, seed=seed).drop("account_id")
        tables = learnt(frame).tables
        largest.append(max(abs(p) for table in tables for p in table.points))
    assert sorted(largest)[3] == 0
    assert max(largest) < 300


def test_where_nothing_separates_no_segments_are_looked_for() -> None:
    frame, _ = segmented_customers(180, segments=3)
    outcome = np.where(np.random.default_rng(2).random(180) < 0.5, *KINDS)
    dealt = frame.with_columns(outcome=pl.Series(outcome))
    profile = learnt(dealt, options=FitOptions(refits=0))
    assert profile.provenance.evidence.level == "none"
    assert [(s.kind, s.size) for s in profile.segments] == [
        (kind, (outcome == kind).sum()) for kind in KINDS
    ]
    said = [n for n in profile.provenance.notes if "no segments of them" in n]
    assert len(said) == 2


def test_few_regrettable_customers_do_not_hide_segments_of_the_best() -> None:
    frame, _ = segmented_customers(180, segments=3)
    outcome = np.where(np.arange(180) % 20 == 0, "regrettable", "best")
    profile = learnt(
        frame.with_columns(outcome=pl.Series(outcome)), options=FitOptions(refits=0)
    )
    assert profile.provenance.evidence.level == "none"
    assert len(profile.best_segments) == 3


def test_noise_attributes_carry_little_information() -> None:
    profile = learnt(closed_customers(600).drop("account_id"))
    told = {t.name: t.information for t in profile.tables}
    assert told["colour"] < 0.25 * told["industry"]
    assert told["partner"] < 0.25 * told["industry"]


def test_planted_segments_become_segments_of_the_profile() -> None:
    best, _ = segmented_customers(180, segments=3)
    bad, _ = segmented_customers(120, segments=2, seed=5)
    frame = pl.concat(
        [
            best.with_columns(outcome=pl.lit("best")),
            bad.with_columns(outcome=pl.lit("regrettable")),
        ]
    )
    profile = fit_profile(frame, options=FitOptions(refits=5))
    assert len(profile.best_segments) == 3
    assert len(profile.regrettable_segments) == 2
    assert len({s.name for s in profile.segments}) == 5


def test_the_most_typical_customer_of_a_segment_is_at_distance_zero() -> None:
    profile = learnt()
    for segment in profile.segments:
        assert sum(min(row[2:]) for row in segment.surprises) == 0


@pytest.mark.parametrize(("best", "bad"), [(0, 0), (1, 0), (2, 1), (4, 30), (30, 4)])
def test_too_few_customers_are_refused_with_what_is_missing(best, bad) -> None:
    frame = pl.DataFrame(
        {
            "industry": ["a", "b"] * 17,
            "outcome": ["best"] * best
            + ["regrettable"] * bad
            + [None] * (34 - best - bad),
        },
        schema_overrides={"outcome": pl.String},
    )
    with pytest.raises(
        TooFewCustomersError, match=f"{best} best and {bad} regrettable"
    ):
        learnt(frame)


@pytest.mark.parametrize(("best", "bad"), [(5, 5), (15, 10)])
def test_the_smallest_tables_give_a_description(best: int, bad: int) -> None:
    frame = pl.DataFrame(
        {
            "industry": ["Retail"] * best + ["Bank"] * bad,
            "size": [float(i) for i in range(best + bad)],
            "outcome": ["best"] * best + ["regrettable"] * bad,
        }
    )
    profile = learnt(frame, options=FitOptions(accept=("industry", "size"), refits=20))
    assert [s.kind for s in profile.segments] == ["best", "regrettable"]
    assert profile.provenance.best == best


def test_unknown_customers_are_counted_but_not_learnt_from() -> None:
    young = SMALL.with_columns(outcome=pl.lit("unknown"), industry=pl.lit("Retail"))
    profile = learnt(pl.concat([SMALL, young]))
    assert profile.provenance.unknown == SMALL.height
    assert numbers(profile) == numbers(learnt())


def test_neutral_customers_describe_what_is_usual_only() -> None:
    neutral = SMALL.with_columns(outcome=pl.lit("neutral"))
    profile = learnt(pl.concat([SMALL, neutral]))
    assert profile.provenance.neutral == SMALL.height
    industry = next(t for t in profile.tables if t.name == "industry")
    assert sum(industry.best) + sum(industry.regrettable) == SMALL.height


def test_lazy_frames_and_given_schemas_are_the_same() -> None:
    schema = AccountSchema.infer(SMALL, roles={"outcome": "ignored"})
    assert learnt(SMALL.lazy(), schema=schema).id == learnt().id


def test_groups_stay_together_when_measuring() -> None:
    draw = np.random.default_rng(0)
    one = closed_customers(40, strength=0.0).with_columns(size=draw.normal(size=40))
    copies = pl.concat([one] * 5).rename({"account_id": "group"})
    profile = learnt(copies, group="group")
    assert profile.provenance.evidence.level == "none"


def test_customers_without_a_group_stand_alone() -> None:
    none = SMALL.with_columns(group=pl.lit(None, pl.String))
    one_each = SMALL.with_columns(group=pl.int_range(pl.len()).cast(pl.String))
    assert learnt(none, group="group").id == learnt(one_each, group="group").id


def test_repeated_customers_are_called_out() -> None:
    profile = learnt(pl.concat([SMALL.drop("employees")] * 2))
    assert "repeat another one in every attribute" in " ".join(profile.provenance.notes)


def test_the_date_gives_the_data_window() -> None:
    dated = SMALL.with_columns(
        since=pl.date(2020, 1, 1) + pl.duration(days=pl.int_range(pl.len()))
    )
    provenance = learnt(dated, date="since").provenance
    assert (provenance.first_date, provenance.last_date) == ("2020-01-01", "2020-03-30")


def test_a_missing_outcome_column_is_named() -> None:
    with pytest.raises(SchemaError, match="1 missing column: 'result'"):
        learnt(outcome="result")


def test_progress_rises_to_one_and_can_cancel() -> None:
    told: list[float] = []
    learnt(progress=lambda share, phrase: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)

    def stop(share: float, phrase: str) -> None:
        if share > 0.2:
            raise CancelledError(phrase)

    with pytest.raises(CancelledError):
        learnt(progress=stop)


def test_a_profile_survives_its_own_json() -> None:
    profile = learnt()
    again = Profile.from_json(profile.to_json())
    assert again == profile
    assert again.id == profile.id


def test_break_even_moves_the_grades() -> None:
    low = learnt(options=FitOptions(refits=10, max_segments=1, break_even=0.2))
    assert low.calibration.grade_cuts == (600, 200, 100)


def test_every_pair_of_options_is_in_the_provenance() -> None:
    options = learnt(options=FitOptions(refits=7, max_segments=2)).provenance.options
    assert {"refits": 7, "max_segments": 2, "seed": 0}.items() <= options.items()
    assert not any(a == b for a, b in itertools.combinations(options, 2))
