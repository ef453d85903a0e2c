from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers

from icp.ingest.fields import written_after_sale
from icp.learn import FitOptions, fit_profile
from icp.learn.cells import draft_tables
from icp.learn.evidence import Alone
from icp.learn.leakage import (
    _by_one_outcome,
    _by_purity,
    _runs,
    fill_rates,
    names_the_seller,
)
from icp.schema import AccountSchema

QUICK = FitOptions(refits=0, max_segments=1)


def with_columns(count: int = 400, **columns) -> pl.DataFrame:
    frame = closed_customers(count)
    return frame.with_columns(**{n: pl.Series(v) for n, v in columns.items()})


def outcome(count: int = 400) -> np.ndarray:
    return (closed_customers(count)["outcome"] == "best").to_numpy()


def refused(frame: pl.DataFrame, **options) -> dict[str, str]:
    profile = fit_profile(
        frame.drop("account_id", strict=False),
        options=FitOptions(refits=0, max_segments=1, **options.pop("fit", {})),
        **options,
    )
    return {f.column: f.code for f in profile.provenance.findings if f.excluded}


@pytest.mark.parametrize(
    "name",
    [
        *("churn", "Churn Score", "nps_2024", "CustomerSatisfaction", "lost_reason"),
        *("Renewal Date", "lifetime value", "Total Charges", "Lead Quality"),
        *("Last Activity", "contract_end", "Kuendigung", "refunds_total", "closeDate"),
        *("Probability (%)", "sales_cycle_days", "Days to close", "duration"),
        *("Asymmetrique Activity Score", "Forecast Category", "deal_stage"),
    ],
)
def test_names_that_tell(name: str) -> None:
    assert written_after_sale(name)


@pytest.mark.parametrize(
    "name",
    [
        *("industry", "employees", "annual_revenue", "country", "credit_score"),
        *("year_opened", "contract_type", "payment_method", "website_visits"),
        *("tech_stack", "winery", "costs", "tagline", "contract duration", "stage"),
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not written_after_sale(name)


def test_a_copy_of_the_outcome_with_noise_is_refused() -> None:
    draw = np.random.default_rng(0)
    copy = np.where(draw.random(400) < 0.04, ~outcome(), outcome())
    found = refused(with_columns(verdict=np.where(copy, "x", "y")))
    assert found == {"verdict": "too_good"}


def test_a_number_written_afterwards_is_refused() -> None:
    draw = np.random.default_rng(1)
    score = draw.normal(outcome() * 6.0)
    assert refused(with_columns(health=score)) == {"health": "too_good"}


def test_cells_with_one_outcome_only_are_refused() -> None:
    draw = np.random.default_rng(2)
    kind = np.where(outcome(), "up", "down")
    mixed = np.where(draw.random(400) < 0.3, "middle", kind)
    assert refused(with_columns(mood=mixed))["mood"] in {"pure", "too_good"}


def test_a_column_filled_in_for_one_outcome_is_refused() -> None:
    draw = np.random.default_rng(3)
    filled = draw.random(400) < np.where(outcome(), 0.8, 0.2)
    drawn = draw.choice(list("ab"), 400)
    values = [v if f else None for v, f in zip(drawn, filled, strict=True)]
    assert refused(with_columns(note=values)) == {"note": "missing_tells"}


def test_a_column_that_prospects_do_not_have_is_refused() -> None:
    frame = with_columns(seats=np.random.default_rng(4).normal(size=400))
    prospects = pl.DataFrame({"industry": ["Bank"] * 40, "seats": [1.0] + [None] * 39})
    assert refused(frame, prospects=prospects)["seats"] == "fill_rate"
    assert "seats" not in refused(frame)
    assert "seats" not in refused(frame, prospects=prospects.head(9))


def test_an_id_a_constant_and_an_empty_column_are_set_aside() -> None:
    frame = with_columns(
        code=[f"x{i}" for i in range(400)],
        same=["one"] * 400,
        nothing=pl.Series([None] * 400, dtype=pl.String),
    ).drop("account_id")
    schema = AccountSchema.infer(
        frame, roles={"outcome": "outcome"}, kinds={"code": "category"}
    )
    wanted = {"code": "identifier", "same": "constant", "nothing": "empty"}
    assert refused(frame, schema=schema) == wanted


def test_accepting_a_suspicious_column_keeps_it_and_says_so() -> None:
    frame = with_columns(nps=np.random.default_rng(5).normal(size=400))
    assert refused(frame) == {"nps": "name"}
    profile = fit_profile(
        frame.drop("account_id"),
        options=FitOptions(accept=("nps",), refits=0, max_segments=1),
    )
    assert "nps" in profile.columns
    (finding,) = profile.provenance.findings
    assert (finding.column, finding.excluded) == ("nps", False)


def test_clean_columns_are_left_alone() -> None:
    draw = np.random.default_rng(6)
    noise = {f"n{i}": draw.normal(size=400) for i in range(25)}
    noise |= {f"c{i}": draw.choice(list("abcd"), 400) for i in range(25)}
    assert refused(with_columns(**noise)) == {}


def test_fill_rates_of_columns_that_are_there() -> None:
    frame = pl.DataFrame({"a": [1, None] * 15, "b": [None] * 30})
    assert fill_rates(frame, ["a", "b", "c"]) == {"a": 0.5, "b": 0.0}
    assert fill_rates(frame.head(29), ["a"]) == {}


@pytest.mark.parametrize(
    "name",
    ["Account Owner", "sales_rep", "SalesPerson", "Owner Id", "seller name", "owner"],
)
def test_names_of_who_sold(name: str) -> None:
    assert names_the_seller(name)


@pytest.mark.parametrize(
    "name", ["Owner-managed firm", "reseller tier", "salesforce user", "home ownership"]
)
def test_names_that_are_about_the_buyer(name: str) -> None:
    assert not names_the_seller(name)


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ([1.0, float("nan"), None] * 10, 1 / 3),
        (["Select", "x", None] * 10, 1 / 3),
        ([" n/a ", "UNKNOWN", "y"] * 10, 1 / 3),
        ([[], ["a"], None] * 10, 2 / 3),
        ([True, False, None] * 10, 2 / 3),
        ([None] * 30, 0.0),
    ],
)
def test_prospects_have_a_value_where_customers_would(values, share) -> None:
    frame = pl.DataFrame({"a": values})
    assert fill_rates(frame, ["a"]) == pytest.approx({"a": share})


def test_prospects_with_placeholders_do_not_accuse_a_column() -> None:
    draw = np.random.default_rng(7)
    kinds = draw.choice(["x", "y", "Select"], 400, p=[0.3, 0.2, 0.5]).tolist()
    prospects = pl.DataFrame({"sort": kinds[:100]})
    assert refused(with_columns(sort=kinds), prospects=prospects) == {}


def one_table(best: list[int], bad: list[int], *, auc: float = 0.8) -> str | None:
    table = draft_of(len(best))
    counts = (np.array([0.0, 0.0, *side]) for side in (best, bad))
    alone = Alone(
        **dict(zip(("best", "regrettable"), counts, strict=True)),
        auc=auc,
        missing_auc=0.5,
    )
    finding = _by_purity(table, alone)
    return finding.message if finding else None


def draft_of(cells: int):
    frame = pl.DataFrame({"sort": [f"l{i}" for i in range(cells)]})
    schema = AccountSchema.infer(frame)
    ((table, _),) = draft_tables(frame, schema, min_level=1, max_levels=50)
    return table


@pytest.mark.parametrize(
    ("best", "bad", "share"),
    [
        ([60, 0, 40], [0, 60, 40], "60%"),
        ([60, 0, 40], [1, 60, 40], None),
        ([90, 0], [0, 90], "100%"),
        ([9, 0, 91], [0, 9, 91], None),
    ],
)
def test_cells_with_one_outcome_are_counted(best, bad, share) -> None:
    message = one_table(best, bad)
    assert (
        message is None if share is None else str(message).startswith(f"sort: {share}")
    )


def test_pure_cells_of_a_column_that_ranks_poorly_are_let_be() -> None:
    assert one_table([60, 0, 40], [0, 60, 40], auc=0.7) is None


def test_a_rare_outcome_makes_pure_cells_by_chance() -> None:
    assert one_table([0, 0, 0, 5], [40, 40, 40, 35]) is None


def test_a_level_that_only_one_outcome_has_is_worth_a_look() -> None:
    draw = np.random.default_rng(8)
    ended = ~outcome() & (draw.random(400) < 0.3)
    plan = np.where(ended, "settled", draw.choice(["plus", "pro"], 400))
    frame = with_columns(plan=plan).drop("account_id")
    profile = fit_profile(frame, options=FitOptions(refits=0, max_segments=1))
    (finding,) = profile.provenance.findings
    assert (finding.column, finding.code, finding.excluded) == (
        *("plan", "one_outcome"),
        False,
    )
    assert f"all {ended.sum()} customers with 'settled' are regrett" in finding.message
    assert "plan" in profile.columns


def number_table(best: list[int], bad: list[int]):
    size = len(best)
    frame = pl.DataFrame({"paid": [float(i) for i in range(size)]})
    ((table, _),) = draft_tables(
        frame, AccountSchema.infer(frame), min_level=1, max_levels=9
    )
    counts = (np.array([0.0, 0.0, *side]) for side in (best, bad))
    alone = Alone(
        **dict(zip(("best", "regrettable"), counts, strict=True)),
        auc=0.7,
        missing_auc=0.5,
    )
    return table, alone


@pytest.mark.parametrize(
    ("best", "bad", "runs"),
    [
        ([9, 0, 0], [9, 8, 7], [("1 or more", False, 15)]),
        ([9, 5, 0], [9, 8, 7], [("2 or more", False, 7)]),
        ([3, 2, 9], [0, 0, 7], [("up to 1", True, 5)]),
        ([3, 0, 9], [0, 4, 7], [("up to 0", True, 3), ("1", False, 4)]),
        ([9, 5, 0], [9, 8, 0], []),
    ],
)
def test_neighbouring_number_cells_of_one_outcome_count_together(best, bad, runs):
    assert list(_runs(*number_table(best, bad))) == runs


@pytest.mark.parametrize(
    ("best", "bad", "found"),
    [
        ([100, 0, 0], [60, 20, 20], True),
        ([100, 1, 0], [60, 20, 20], False),
        ([100, 0, 0], [60, 12, 12], False),
        ([10, 0, 0], [200, 20, 20], False),
    ],
)
def test_few_customers_of_one_outcome_may_be_chance(best, bad, found) -> None:
    finding = _by_one_outcome(*number_table(best, bad))
    assert (finding is not None) == found


def test_a_copy_of_a_column_is_left_out_and_says_of_which() -> None:
    frame = with_columns().drop("account_id")
    twice = frame.with_columns(
        zone=pl.col("industry").str.to_uppercase(),
        staff=pl.col("employees") * 1000,
        zz=pl.col("partner"),
    )
    found = refused(twice)
    assert found == dict.fromkeys(("zone", "staff", "zz"), "copy")
    (message,) = {
        f.message
        for f in fit_profile(twice, options=QUICK).provenance.findings
        if f.column == "zone"
    }
    assert message.startswith("zone: it says the same as industry of every customer")


def test_a_copied_column_leaves_every_number_as_it_is() -> None:
    frame = with_columns().drop("account_id")
    one = fit_profile(frame, options=QUICK)
    two = fit_profile(frame.with_columns(zone=pl.col("industry")), options=QUICK)
    assert (one.base, one.tables, one.segments) == (two.base, two.tables, two.segments)


def test_a_nearly_equal_column_is_no_copy() -> None:
    frame = with_columns().drop("account_id")
    near = frame.with_columns(
        zone=pl.when(pl.int_range(pl.len()) > 3).then("industry").otherwise(None)
    )
    assert refused(near) == {}


def test_a_copy_of_a_column_that_is_known_too_late_is_out_with_it() -> None:
    draw = np.random.default_rng(9)
    frame = with_columns(churn_score=draw.choice(list("abc"), 400))
    frame = frame.with_columns(a_tier=pl.col("churn_score"))
    assert refused(frame) == {"churn_score": "name", "a_tier": "copy"}


def test_what_the_outcome_is_made_from_explains_nothing() -> None:
    frame = with_columns().drop("account_id")
    options = FitOptions(refits=0, max_segments=1, made_from=("employees", "gone"))
    profile = fit_profile(frame, options=options)
    (finding,) = profile.provenance.findings
    assert (finding.column, finding.code, finding.excluded) == (
        *("employees", "outcome"),
        True,
    )
    assert "employees" not in profile.columns
    assert profile.provenance.options["made_from"] == "employees, gone"
    kept = options.model_copy(update={"accept": ("employees",)})
    assert "employees" in fit_profile(frame, options=kept).columns
