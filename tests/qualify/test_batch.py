from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from generators.qualify_cases import (
    CATALOGUE,
    CODES,
    MONEY,
    TODAY,
    UNGATED,
    a_rule,
    economies,
    tries,
)
from generators.strategies import (
    LAWS,
    accounts,
    frame_of,
    profile_of,
    profiles,
    steady_calibration,
    table_of,
)
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.disqualifiers import Override
from icp.errors import SchemaError
from icp.qualify import Signal, decide, observed
from icp.qualify.batch import VERDICT_COLUMNS, verdicts
from icp.qualify.money import Usual, UsualTerms, terms_of
from icp.qualify.signals import KnownAbout
from icp.scoring import score, score_one

DAYS = st.integers(0, 500).map(lambda n: TODAY - timedelta(days=n))
RULES = [
    a_rule("active", "vendors_in_play >= 6"),
    a_rule("policy", "deals > 2"),
    # Covers a whole cell of the table that reads vendors, where the deals are known.
    a_rule("active", "vendors_in_play > 3 and deals = 1"),
]
CODES_ALL = (*CODES, *(rule.id for rule in RULES))
EXTRA = {
    "vendors_in_play": (pl.Float64, st.sampled_from([None, 2.0, 4.0, 7.0])),
    "deals": (pl.Int64, st.sampled_from([None, 1, 3])),
    "discount": (pl.Float64, st.sampled_from([None, 0.0, 5.0, 12.0, 40.0, 100.0])),
    "support_cost": (pl.Float64, st.sampled_from([None, 100.0, 90_000.0])),
    "last_reply_date": (pl.Date, st.one_of(st.none(), DAYS)),
    "incumbent_contract_months": (pl.Float64, st.sampled_from([None, 2.0, 20.0])),
    "loss_reason": (
        pl.String,
        st.sampled_from([None, "price", "went silent", "no real need", "moon"]),
    ),
    "close_date": (pl.Date, st.one_of(st.none(), DAYS)),
}


@st.composite
def lists(draw):
    """A profile, accounts that meet it, and what people know about them."""
    profile = draw(profiles())
    if profile.tables and draw(st.booleans()):
        profile = reading_vendors(profile)
    rows = draw(accounts(profile, max_size=4))
    extra = {name: [draw(values) for _ in rows] for name, (_, values) in EXTRA.items()}
    known = {}
    for field, values in (
        ("signals", st.lists(signals(), max_size=4)),
        ("attempts", tries()),
        ("excepted", st.frozensets(st.sampled_from(CODES_ALL), max_size=2)),
    ):
        named = draw(st.lists(st.integers(0, 3), max_size=2, unique=True))
        known[field] = {f"a{row}": draw(values) for row in named}
    return profile, rows, extra, KnownAbout(**known)


def reading_vendors(profile):
    """The same with a further table, of a column that a reason is read from."""
    vendors = table_of("vendors_in_play", "number", (0, 0, 400, -400), edges=(3.5,))
    places = [0] * vendors.size
    segments = [
        s.model_copy(update={"surprises": (*s.surprises, tuple(places)), "shares": ()})
        for s in profile.segments
    ]
    return profile.model_copy(
        update={"tables": (*profile.tables, vendors), "segments": tuple(segments)}
    )


@st.composite
def signals(draw):
    return Signal(
        reason=draw(st.sampled_from(CODES)),
        holds=draw(st.booleans()),
        on=draw(st.one_of(st.none(), DAYS)),
    )


@st.composite
def common(draw):
    segments = [f"segment {i}" for i in range(4)]
    shares = st.sampled_from([None, 0.0, 0.08, 1.0])
    usual = {
        name: Usual(discount=draw(shares), care=draw(st.sampled_from([None, 500.0])))
        for name in draw(st.lists(st.sampled_from(segments), unique=True))
    }
    return UsualTerms(segments=usual)


@LAWS
@given(lists(), economies, common(), st.sampled_from([None, TODAY]))
def test_a_list_says_what_each_account_alone_does(case, economics, usual, day):
    profile, rows, extra, known = case
    columns = {
        name: pl.Series(name, extra[name], dtype=EXTRA[name][0]) for name in EXTRA
    }
    frame = frame_of(rows, profile).with_columns(**columns)
    shared = {"economics": economics, "catalogue": CATALOGUE, "disqualifiers": RULES}
    judged = verdicts(
        score(frame, profile),
        profile,
        known=known,
        usual=usual,
        on=day,
        today=day,
        **shared,
    )
    for row, found in zip(
        frame.iter_rows(named=True), judged.iter_rows(named=True), strict=True
    ):
        account = row["account_id"]
        one = score_one(row, profile)
        said = known.signals.get(account, [])
        alone = decide(
            one,
            profile=profile,
            facts=row,
            signals=[*said, *observed(row, CATALOGUE, on=day)],
            attempts=known.attempts.get(account, []),
            exceptions=[exception(code) for code in known.excepted.get(account, ())],
            terms=terms_of(row, one.nearest_best, usual),
            today=day,
            **shared,
        )
        assert found["verdict"] == alone.verdict
        assert tuple(found["verdict_reasons"]) == alone.codes
        question = alone.question.text if alone.question else None
        assert found["next_question"] == question
        worth = alone.money.pursue_cured if one.state == "scored" else None
        assert found["expected_value"] == worth


def exception(code):
    return Override(
        rule=code,
        account_id="x",
        asked_by="bob",
        approver="eve",
        reason="known for years",
        on=TODAY,
    )


@LAWS
@given(lists())
def test_lazy_lists_and_single_rows_say_the_same(case):
    profile, rows, _, known = case
    scored = score(frame_of(rows, profile), profile)
    whole = verdicts(scored, profile, economics=MONEY, known=known)
    lazy = verdicts(scored.lazy(), profile, economics=MONEY, known=known)
    assert lazy.collect_schema() == whole.schema
    assert_frame_equal(lazy.collect(), whole)
    for place in range(scored.height):
        alone = verdicts(
            scored[place : place + 1], profile, economics=MONEY, known=known
        )
        assert_frame_equal(alone, whole[place : place + 1])


def small():
    table = table_of("size", "number", (0, 0, -900, 900), edges=(10.0,))
    profile = profile_of([table], calibration=steady_calibration(scale=2))
    frame = pl.DataFrame({"account_id": ["a", "b", "c"], "size": [5.0, 50.0, None]})
    return score(frame, profile), profile


def test_columns_are_appended_and_nothing_else_changes():
    scored, profile = small()
    judged = verdicts(scored, profile, economics=MONEY)
    assert judged.columns == [*scored.columns, *VERDICT_COLUMNS]
    assert judged.schema == {**scored.schema, **VERDICT_COLUMNS}
    assert_frame_equal(judged.drop(VERDICT_COLUMNS), scored)
    assert judged["verdict"].to_list() == ["walk_away", "pursue", "ask"]


def test_an_empty_list_has_the_columns_too():
    scored, profile = small()
    judged = verdicts(scored.clear(), profile, economics=MONEY)
    assert judged.schema == {**scored.schema, **VERDICT_COLUMNS}


def test_a_frame_that_is_not_scored_is_refused():
    _, profile = small()
    with pytest.raises(SchemaError, match="score the frame first"):
        verdicts(pl.LazyFrame({"size": [1.0]}), profile, economics=MONEY)


def test_ids_of_another_type_are_compared_as_text():
    scored, profile = small()
    numbered = scored.with_columns(account_id=pl.Series([1, 2, 3]))
    known = KnownAbout(
        signals={"2": [Signal(reason="ethics", holds=True)]}, attempts={}, excepted={}
    )
    judged = verdicts(numbered, profile, economics=MONEY, known=known)
    assert judged["verdict"].to_list() == ["walk_away", "walk_away", "ask"]
    assert judged["verdict_reasons"].to_list()[1] == ["ethics", "worth_it"]


@pytest.mark.parametrize("code", UNGATED)
def test_every_reason_is_read_from_its_signal(code):
    scored, profile = small()
    signal = Signal(reason=code, holds=True)
    known = KnownAbout(signals={"b": [signal]}, attempts={}, excepted={})
    judged = verdicts(scored, profile, economics=MONEY, known=known)
    alone = decide(
        score_one({"size": 50.0}, profile),
        profile=profile,
        facts={"size": 50.0},
        economics=MONEY,
        signals=[signal],
    )
    assert judged["verdict"][1] == alone.verdict
    assert judged["verdict_reasons"].to_list()[1] == list(alone.codes)
