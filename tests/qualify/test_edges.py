"""What is said at the edges: odd columns, odd money, and mistakes in the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from generators.qualify_cases import CATALOGUE, MONEY, TODAY, a_rule, score_of, signal
from generators.strategies import profile_of, steady_calibration, table_of

from icp.disqualifiers import Override
from icp.errors import ConfigError
from icp.outcomes import Economics
from icp.profile import Segment
from icp.qualify import (
    Terms,
    UsualTerms,
    decide,
    exit_of,
    observed,
    read_catalogue,
    terms_of,
    usual,
    verdicts,
)
from icp.qualify.money import Usual
from icp.scoring import score, score_one


def by_size():
    table = table_of("size", "number", (0, 0, -900, 900), edges=(10.0,))
    return profile_of([table], calibration=steady_calibration(scale=2))


# ------------------------------------------------------------- what would change it


def changes(fit, **rest):
    found = decide(score_of(fit), **{"economics": MONEY, **rest})
    return [said for said in found.changes if said.startswith("a chance of best")]


def test_the_chance_that_would_change_it_is_on_the_other_side():
    assert changes(90.0) == ["a chance of best below 41% (now 90%)"]
    assert changes(5.0) == ["a chance of best above 41% (now 5%)"]


@pytest.mark.parametrize(
    "economics",
    [Economics(V=10, L=0, C=0), Economics(V=10, L=5, C=10), Economics(V=0, L=5, C=1)],
)
def test_no_chance_is_named_where_none_would_change_it(economics):
    assert changes(90.0, economics=economics) == []


def test_a_lower_chance_never_ends_a_walk_away():
    assert changes(90.0, signals={"ethics": True}) == []
    ruled = {"disqualifiers": [a_rule()], "facts": {"vendors": 5}}
    assert changes(90.0, **ruled) == []
    assert changes(5.0, **ruled) == ["a chance of best above 41% (now 5%)"]
    assert changes(90.0, signals={"no_budget": True}) == [
        "a chance of best below 41% (now 90%)"
    ]


def test_what_was_set_aside_is_not_said_to_change_anything():
    freed = Override(
        rule="ethics",
        account_id="a",
        asked_by="bob",
        approver="eve",
        reason="reviewed",
        on=TODAY,
    )
    found = decide(
        score_of(90.0), economics=MONEY, signals={"ethics": True}, exceptions=[freed]
    )
    assert found.verdict == "pursue"
    assert not [said for said in found.changes if "principles" in said]


def test_a_rule_of_an_unknown_reason_leaves_as_one_outside_the_profile_does():
    rule = a_rule().model_copy(update={"reason": "gone", "exit": "shout"})
    found = decide(
        score_of(90.0), economics=MONEY, disqualifiers=[rule], facts={"vendors": 9}
    )
    assert (found.reason, found.step.play) == ("outside_profile", "referral")
    left = exit_of(found, "P1", CATALOGUE, today=TODAY, facts={"fit": 90.0})
    assert left.wake_when == "fit >= 50"
    assert not left.armed


def test_money_beyond_all_bounds_is_still_money():
    huge = Economics(V=1e300, L=1e300, C=0)
    found = decide(score_of(90.0), economics=huge)
    assert found.verdict == "pursue"
    assert found.money.pursue == pytest.approx(0.8 * 1e300, rel=1e-2)


# -------------------------------------------------------------------- lists and rows


LISTED = {
    "account_id": ["a", "b"],
    "size": [50.0, 50.0],
    "loss_reason": ["went silent", None],
}


def both(frame, *, day=TODAY):
    """The grounds of each row in a list, and of each row alone."""
    profile = by_size()
    judged = verdicts(score(frame, profile), profile, economics=MONEY, on=day)
    alone = [
        decide(
            score_one(row, profile),
            economics=MONEY,
            profile=profile,
            facts=row,
            signals=observed(row, CATALOGUE, on=day),
        )
        for row in frame.iter_rows(named=True)
    ]
    return judged["verdict_reasons"].to_list(), [list(one.codes) for one in alone]


@pytest.mark.parametrize(
    "dtype", [pl.String, pl.Categorical, pl.Enum(["went silent", "price"])]
)
def test_lost_reasons_of_every_type_of_text_are_read(dtype):
    frame = pl.DataFrame(LISTED).with_columns(pl.col("loss_reason").cast(dtype))
    listed, alone = both(frame)
    assert listed == alone == [["unresponsive", "worth_it"], ["worth_it"]]


@pytest.mark.parametrize("values", [[1.5, None], [True, False], [["price"], None]])
def test_a_lost_reason_that_is_no_text_says_nothing(values):
    frame = pl.DataFrame({**LISTED, "loss_reason": values})
    listed, alone = both(frame)
    assert listed == alone == [["worth_it"], ["worth_it"]]


def test_ages_count_from_the_day_on_the_columns_own_clock():
    # 30 days ago in Tokyo, 31 in UTC; silence counts from the 31st day on.
    late = datetime.combine(TODAY - timedelta(days=31), datetime.min.time(), UTC)
    told = pl.Series([late - timedelta(hours=2)] * 2, dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame(LISTED).with_columns(
        last_reply_date=told.dt.convert_time_zone("Asia/Tokyo"),
        loss_reason=pl.lit(None, pl.String),
    )
    listed, alone = both(frame, day=TODAY - timedelta(days=1))
    assert listed == alone == [["worth_it"], ["worth_it"]]


def test_a_rule_reads_the_columns_as_the_score_did():
    """Ages that follow from dates are for reasons and terms, never for rules."""
    rule, profile = a_rule("active", "days_since_reply > 30"), by_size()
    frame = pl.DataFrame(LISTED).with_columns(
        last_reply_date=pl.lit(TODAY - timedelta(days=90)),
        loss_reason=pl.lit(None, pl.String),
    )
    judged = verdicts(
        score(frame, profile, disqualifiers=[rule]),
        profile,
        economics=MONEY,
        disqualifiers=[rule],
        on=TODAY,
    )
    assert judged["disqualified_by"].to_list() == [[], []]
    assert judged["verdict_reasons"].to_list() == [["unresponsive", "worth_it"]] * 2


def test_a_contracts_end_is_near_by_its_date_too():
    profile = by_size()
    frame = pl.DataFrame(LISTED).with_columns(
        incumbent_contract_end=pl.lit(TODAY + timedelta(days=90)),
        loss_reason=pl.lit("incumbent"),
    )
    judged = verdicts(score(frame, profile), profile, economics=MONEY, on=TODAY)
    row = frame.row(0, named=True)
    alone = decide(
        score_one(row, profile),
        economics=MONEY,
        signals=observed(row, CATALOGUE, on=TODAY),
        terms=terms_of(row, None, UsualTerms.unknown(), on=TODAY),
    )
    assert judged["verdict"][0] == alone.verdict == "pursue"
    unknown = terms_of(row, None, UsualTerms.unknown())
    assert unknown.incumbent_months is None


def test_a_list_without_accounts_keeps_what_is_known_apart():
    profile = by_size()
    scored = score(pl.DataFrame({"size": [50.0]}), profile)
    assert verdicts(scored, profile, economics=MONEY)["verdict"].to_list() == ["pursue"]


# ------------------------------------------------------------------------------ terms


def retail(*, discount):
    table = table_of("size", "category", (0, 0, 0, 0), cells=("small", "large"))
    segment = Segment(name="S", kind="best", size=3, surprises=((0, 0, 0, 900),))
    frame = pl.DataFrame({"size": ["small"] * 3, "outcome": ["best"] * 3})
    frame = frame.with_columns(discount=pl.Series(discount))
    return usual(frame, profile_of([table], segments=[segment]))


@pytest.mark.parametrize(
    "discount",
    [
        [5.0, float("nan"), 9.0],
        [Decimal("5.0"), None, Decimal("9.0")],
        [5, None, 9],
    ],
)
def test_what_is_usual_is_the_same_for_every_type_of_number(discount):
    found = retail(discount=discount)
    assert (found.of("S"), found.scale) == (Usual(discount=0.07), 100.0)


def test_a_discount_of_an_account_may_be_a_decimal():
    known = UsualTerms(segments={"S": Usual(discount=0.07)})
    terms = terms_of({"discount": Decimal("5")}, "S", known)
    assert terms == Terms(discount=0.05, usual_discount=0.07)


# -------------------------------------------------------------------------- catalogue


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[asking]\ncost_shar = 1", "asking.cost_shar: unknown key; did you mean"),
        ("[capacity]\nhour = 1", "capacity.hour: unknown key; did you mean 'hours'?"),
        ("[head_to_head]\ndisplac = 1", "did you mean 'displace'?"),
        ("[matching]\nalike = 90", "matching.alike: unknown key; did you mean"),
        ("reasons.no_need.seen.bset = 0.1", "did you mean 'best'?"),
        ('reasons.no_need.wake = { txet = "x", months = 1 }', "did you mean 'text'?"),
        (
            'reasons.no_need.steps = [{ play = "park", sey = "x" }]',
            "no_need.steps.0.sey: unknown key; did you mean 'say'?",
        ),
        ("reasons.no_need.titel = 'x'", "did you mean 'title'?"),
        ("reasons.no_need.cod = 'x'", "no_need.cod: unknown key; it has 14 names"),
        ("reasons.no_need.code = 'x'", "no_need.code: the table's name is the code"),
    ],
)
def test_an_unknown_key_names_the_nearest_of_its_own_table(text, message):
    with pytest.raises(ConfigError, match=r"reasons\.toml: ") as caught:
        read_catalogue(text)
    assert message in str(caught.value)


def test_of_two_signals_the_later_given_counts_where_all_else_is_equal():
    said = [signal("no_need", on=TODAY), signal("no_need", holds=False, on=TODAY)]
    assert decide(score_of(90.0), economics=MONEY, signals=said).verdict == "pursue"
    found = decide(score_of(90.0), economics=MONEY, signals=said[::-1])
    assert found.verdict == "walk_away"


def test_an_observation_fades_the_day_after_its_last():
    fades = CATALOGUE["no_budget"].fades
    last = TODAY - timedelta(days=fades)
    for day, verdict in ((last, "not_now"), (last - timedelta(days=1), "pursue")):
        told = [signal("no_budget", on=day)]
        found = decide(score_of(90.0), economics=MONEY, signals=told, today=TODAY)
        assert found.verdict == verdict
