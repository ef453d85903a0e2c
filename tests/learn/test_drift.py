from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers

from icp.learn import FitOptions, fit_profile
from icp.learn.cells import build_cells, draft_tables
from icp.learn.drift import Drift, drift_findings, history_of
from icp.learn.screen import closed_customers as closed_ones
from icp.learn.screen import screen, waiting_customers
from icp.schema import AccountSchema

FIRST = date(2021, 1, 1)
QUICK = FitOptions(refits=0, max_segments=1)
CODES = {"best": 1, "regrettable": 0, "neutral": 2, "unknown": 3}


def dated(count: int = 300, *, seed: int = 0, **columns) -> pl.DataFrame:
    """Undrifted customers, one a day, with further columns."""
    frame = closed_customers(count, seed=seed).drop("account_id")
    days = [FIRST + timedelta(days=i) for i in range(count)]
    return frame.with_columns(
        closed=pl.Series(days), **{n: pl.Series(v) for n, v in columns.items()}
    )


def found_in(frame: pl.DataFrame, *, groups=None) -> Drift:
    roles = {"outcome": "ignored", "closed": "ignored"}
    schema = AccountSchema.infer(frame, roles=roles)
    closed = frame.filter(pl.col("outcome") != "unknown")
    labels = frame["outcome"].replace_strict(CODES, return_dtype=pl.Int8).to_numpy()
    drafts = draft_tables(closed, schema, min_level=4, max_levels=100)
    tables = build_cells(closed, drafts, labels[labels < 3]).tables
    return drift_findings(frame, tables, labels, frame["closed"], groups=groups)


def codes(found: Drift) -> dict[str, tuple[str, bool]]:
    return {f.column: (f.code, f.excluded) for f in found.findings}


def chance(seed: int, count: int = 300) -> np.ndarray:
    return np.random.default_rng([seed, 99]).random(count)


def best(count: int = 300) -> np.ndarray:
    return (closed_customers(count)["outcome"] == "best").to_numpy()


NEW = np.arange(300) >= 200


# ---------------------------------------------------------------------------- nothing


@pytest.mark.parametrize("count", [40, 150, 300])
def test_undrifted_customers_give_no_finding(count: int) -> None:
    found = found_in(dated(count, seed=4))
    assert found.findings == ()
    (note,) = found.notes
    assert note.endswith("column by column, for drift.")


@pytest.mark.slow
@pytest.mark.parametrize("count", [40, 90, 300])
def test_false_alarms_are_rare(count: int) -> None:
    alarms = [bool(found_in(dated(count, seed=s)).findings) for s in range(120)]
    assert np.mean(alarms) <= 0.05


@pytest.mark.parametrize(
    "dates",
    [
        pl.Series("closed", ["2024-01-01"] * 300),
        pl.Series("closed", [None] * 300, dtype=pl.Date),
        pl.Series("closed", [FIRST] * 300),
        pl.Series("closed", [FIRST] * 29 + [None] * 271),
        pl.Series("closed", range(300)),
    ],
)
def test_without_dates_nothing_is_said(dates: pl.Series) -> None:
    assert found_in(dated().with_columns(dates)) == Drift()


def test_few_customers_are_not_compared() -> None:
    assert found_in(dated(29)) == Drift()


# ------------------------------------------------------------------------ what changed


def test_a_number_that_left_its_range_is_refused() -> None:
    rate = np.where(NEW, 9.0, 1.0) + chance(1)
    found = found_in(dated(rate=rate))
    assert codes(found) == {"rate": ("drift_range", True)}
    assert found.findings[0].message == (
        "rate: 100% of the customers since 2021-07-20 lie outside the range seen before"
    )


def test_a_number_that_leaves_its_range_at_the_end_is_refused() -> None:
    rate = np.where(np.arange(300) >= 240, 9.0, 1.0) + chance(1)
    found = found_in(dated(rate=rate))
    assert codes(found) == {"rate": ("drift_range", True)}
    assert "61% of the customers since 2021-07-20, and 100% of the latest, lie" in (
        found.findings[0].message
    )


def test_some_values_outside_are_a_warning() -> None:
    rate = np.where(NEW & (chance(2) < 0.4), 9.0, 1.0) + chance(1)
    assert codes(found_in(dated(rate=rate))) == {"rate": ("drift_range", False)}


def test_levels_that_were_not_there_are_refused() -> None:
    campaign = np.where(NEW, "summer", np.where(chance(3) < 0.5, "spring", "winter"))
    found = found_in(dated(campaign=campaign))
    assert codes(found) == {"campaign": ("drift_range", True)}
    assert "have values never seen before" in found.findings[0].message


def test_many_rare_levels_are_no_drift() -> None:
    towns = [f"t{int(v)}" for v in np.random.default_rng(0).zipf(1.3, 300) % 5000]
    assert codes(found_in(dated(town=towns))) == {}


def test_shares_that_moved_are_a_warning() -> None:
    cloud = np.where(chance(4) < np.where(NEW, 0.8, 0.2), "Public", "Private")
    found = found_in(dated(hosting=cloud))
    assert codes(found) == {"hosting": ("drift_shift", False)}
    assert "of the customers since 2021-07-20 have 'P" in found.findings[0].message


def test_a_number_that_moved_says_where_its_middle_went() -> None:
    size = np.random.default_rng(5).normal(np.where(NEW, 20, 10), 8).round(1)
    found = found_in(dated(size=size))
    assert codes(found) == {"size": ("drift_shift", False)}
    assert "half of the customers since 2021-07-20 are above" in (
        found.findings[0].message
    )


def test_a_column_that_is_no_longer_filled_in_is_a_warning() -> None:
    filled = chance(6) < np.where(NEW, 0.2, 0.9)
    value = [
        str(int(v * 3)) if f else None for v, f in zip(chance(7), filled, strict=True)
    ]
    found = found_in(dated(rating=value))
    assert codes(found) == {"rating": ("drift_shift", False)}
    assert "have 'not known'" in found.findings[0].message


def test_an_effect_that_turned_round_is_refused() -> None:
    side = np.where(chance(8) < 0.8, best() ^ NEW, ~(best() ^ NEW))
    found = found_in(dated(channel=np.where(side, "direct", "fair")))
    assert codes(found) == {"channel": ("drift_reversed", True)}
    message = found.findings[0].message
    assert message.startswith("channel: its effect reversed: of those with '")
    assert "were best before" in message


def test_an_effect_that_faded_is_a_warning() -> None:
    says = chance(9) < np.where(np.arange(300) < 150, 0.95, 0.5)
    side = np.where(says, best(), ~best())
    found = found_in(dated(channel=np.where(side, "direct", "fair")))
    assert codes(found) == {"channel": ("drift_effect", False)}
    assert "its effect changed over time" in found.findings[0].message


def test_a_number_names_the_stretch_whose_effect_changed() -> None:
    size = np.random.default_rng(10).normal(np.where(best() ^ NEW, 10.0, 7.0), 2)
    (finding,) = found_in(dated(size=size)).findings
    assert finding.code == "drift_reversed"
    assert "less than" in finding.message or "or more" in finding.message


def test_values_of_a_list_are_named_and_never_refused() -> None:
    flip = np.where(chance(8) < 0.85, best() ^ NEW, ~(best() ^ NEW))
    tools = [["SAP", "AWS"] if f else ["AWS"] for f in flip]
    (finding,) = found_in(dated(tools=tools)).findings
    assert (finding.code, finding.excluded) == ("drift_reversed", False)
    assert finding.message.startswith("tools: 'SAP': its effect reversed")


def test_the_worst_is_said_once_per_column() -> None:
    rate = np.where(NEW, 9.0, 1.0) + np.where(best() ^ NEW, 1.0, 0.0) + chance(1)
    assert len(found_in(dated(rate=rate)).findings) == 1


# ----------------------------------------------------------------- what is not a change


def test_waiting_for_outcomes_is_no_drift() -> None:
    """Only early regrets are known of the young, so the young differ from the old."""
    frame = dated(600, seed=1)
    young = pl.int_range(pl.len()) >= 400
    waits = young & (pl.col("outcome") == "best")
    told = pl.when(waits).then(pl.lit("unknown")).otherwise("outcome")
    assert codes(found_in(frame.with_columns(outcome=told))) == {}
    assert codes(found_in(frame.filter(~waits))) == {}


def test_more_best_customers_are_a_remark_not_drift() -> None:
    frame = dated(600, seed=2)
    thinned = frame.filter(
        (pl.int_range(pl.len()) >= 300)
        | (pl.col("outcome") == "regrettable")
        | (pl.int_range(pl.len()) % 4 == 0)
    )
    found = found_in(thinned)
    assert codes(found) == {}
    assert "a fit is about both together" in found.notes[1]


def test_customers_whose_outcome_is_not_known_show_the_newest_values() -> None:
    frame = dated(hosting=np.where(NEW & (chance(4) < 0.8), "Public", "Private"))
    told = pl.when(pl.Series(NEW)).then(pl.lit("unknown")).otherwise("outcome")
    with_waiting = frame.with_columns(outcome=told)
    assert codes(found_in(with_waiting)) == {"hosting": ("drift_range", True)}
    assert codes(found_in(frame.filter(~pl.Series(NEW)))) == {}


def test_deals_of_one_account_count_once() -> None:
    many = np.isin(np.arange(300), range(210, 280))
    cloud = np.where(many | (chance(4) < 0.4), "Public", "Private")
    groups = np.where(many, 0, np.arange(300) + 1)
    frame = dated(hosting=cloud)
    assert codes(found_in(frame)) == {"hosting": ("drift_shift", False)}
    assert codes(found_in(frame, groups=groups)) == {}


def test_the_order_of_rows_does_not_matter() -> None:
    cloud = np.where(chance(4) < np.where(NEW, 0.8, 0.2), "Public", "Private")
    frame = dated(hosting=cloud)
    assert found_in(frame) == found_in(frame.sample(fraction=1, shuffle=True, seed=3))


def test_moments_are_days() -> None:
    cloud = np.where(chance(4) < np.where(NEW, 0.8, 0.2), "Public", "Private")
    frame = dated(hosting=cloud)
    moments = pl.Series([datetime(2021, 1, 1) + timedelta(days=i) for i in range(300)])
    assert found_in(frame.with_columns(closed=moments)) == found_in(frame)


# ------------------------------------------------------------------------------ periods


def test_a_day_is_never_split() -> None:
    frame = dated(90)
    days = pl.Series([FIRST + timedelta(days=30 * (i // 25)) for i in range(90)])
    labels = np.arange(90) % 2
    cut = history_of(frame, (), labels, days, None)
    assert cut is not None
    newest = days.filter(pl.Series(cut.newest == 1)).unique().to_list()
    before = days.filter(pl.Series(cut.newest == 0)).unique().to_list()
    assert not set(newest) & set(before)
    assert cut.since == str(min(newest))


def test_slices_hold_the_rarer_outcome_in_equal_parts() -> None:
    frame = dated(300)
    labels = (np.arange(300) % 10 == 0).astype(np.int8)
    cut = history_of(frame, (), labels, frame["closed"], None)
    assert cut is not None
    assert np.bincount(cut.period[labels == 1]).tolist() == [10, 10, 10]
    assert len(cut.starts) == 2


@pytest.mark.parametrize("step", [2, 10])
def test_exchanging_the_outcomes_gives_the_same_slices(step: int) -> None:
    labels = (np.arange(300) % step == 0).astype(np.int8)
    labels[:60] = labels[:60][::-1]
    days = dated(300)["closed"]
    one, other = (
        history_of(dated(300), (), given, days, None) for given in (labels, 1 - labels)
    )
    assert one is not None
    assert other is not None
    assert one.starts == other.starts


# ----------------------------------------------------------------------------- learning


def drifting() -> pl.DataFrame:
    side = np.where(chance(8) < 0.8, best() ^ NEW, ~(best() ^ NEW))
    cloud = np.where(chance(4) < np.where(NEW, 0.8, 0.2), "Public", "Private")
    return dated(channel=np.where(side, "direct", "fair"), hosting=cloud)


def screened(frame: pl.DataFrame, *, group: str | None = None, **options):
    date = "closed" if "closed" in frame.columns else None
    roles = dict.fromkeys([c for c in ("outcome", date, group) if c], "ignored")
    return screen(
        closed_ones(frame, "outcome"),
        AccountSchema.infer(frame, roles=roles),
        "outcome",
        group,
        None,
        FitOptions(**options),
        0,
        date,
        waiting_customers(frame, "outcome"),
    )


def columns_of(found) -> set[str]:
    return {table.column for table in found.cells.tables}


def said(found) -> dict[str, tuple[str, bool]]:
    return {f.column: (f.code, f.excluded) for f in found.findings}


def test_a_refused_column_stays_out_until_somebody_accepts_it() -> None:
    found = screened(drifting())
    assert said(found) == {
        "channel": ("drift_reversed", True),
        "hosting": ("drift_shift", False),
    }
    assert "channel" not in columns_of(found)
    assert "hosting" in columns_of(found)
    accepted = screened(drifting(), accept=("channel",))
    assert "channel" in columns_of(accepted)
    assert not any(excluded for _, excluded in said(accepted).values())


def test_without_a_date_nothing_is_compared() -> None:
    found = screened(drifting().drop("closed"))
    assert "channel" in columns_of(found)
    assert not [note for note in found.notes if "drift" in note]


def test_learning_looks_at_young_customers_too() -> None:
    told = pl.when(pl.Series(NEW)).then(pl.lit("unknown")).otherwise("outcome")
    cloud = (NEW & (chance(4) < 0.8)) | (np.arange(300) % 9 == 0)
    frame = dated(hosting=np.where(cloud, "Public", "Private"))
    found = screened(frame.with_columns(outcome=told))
    assert said(found) == {"hosting": ("drift_shift", False)}
    assert found.notes[0].startswith(
        "100 customers since 2021-07-20 were compared with"
    )


def test_the_profile_says_what_was_found() -> None:
    profile = fit_profile(drifting().head(280), date="closed", options=QUICK)
    assert "channel" not in profile.columns
    assert {"drift_reversed", "drift_shift"} == {
        f.code for f in profile.provenance.findings
    }
    assert any("for drift" in note for note in profile.provenance.notes)


def test_neither_the_order_of_rows_nor_groups_change_what_is_found() -> None:
    frame = drifting().with_columns(deal=pl.int_range(pl.len()) // 3)
    told = pl.when(pl.int_range(pl.len()) % 11 == 0).then(None).otherwise("outcome")
    frame = frame.with_columns(outcome=told)
    one = screened(frame, group="deal")
    other = screened(frame.sample(fraction=1, shuffle=True, seed=8), group="deal")
    assert one.findings == other.findings
    assert one.notes == other.notes
    assert (one.cells.codes == other.cells.codes).all()


def test_exchanging_the_outcomes_finds_the_same() -> None:
    other = {"best": "regrettable", "regrettable": "best"}
    frame = drifting()
    swapped = frame.with_columns(pl.col("outcome").replace(other))
    assert codes(found_in(frame)) == codes(found_in(swapped))
