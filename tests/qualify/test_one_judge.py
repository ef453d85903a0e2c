"""The judge of whole lists is held to plain Python for one account, 10,000 times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from generators.qualify_cases import CATALOGUE, CODES, MONEY, TODAY, UNGATED, a_rule
from generators.strategies import frame_of, profile_of, steady_calibration, table_of
from oracles.naive_judge import Account, judge, newest

from icp.disqualifiers import Evidence, Override
from icp.outcomes import Economics
from icp.profile import Abstention, Calibration, PairTable, Segment
from icp.qualify import (
    RANK,
    Attempt,
    KnownAbout,
    Signal,
    UsualTerms,
    decide,
    observed,
    terms_of,
    verdicts,
)
from icp.qualify.money import LOG_ODDS, Usual
from icp.scoring import score, score_one

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, Profile
    from icp.qualify import Catalogue

CHUNKS, ACCOUNTS = 100, 100
#: One account in so many is decided alone, too.
ALONE = 20
LOST = (None, None, None, "price", "went silent", "no real need", "moon")
EXTRA = {
    "vendors_in_play": pl.Float64,
    "deals": pl.Float64,
    "discount": pl.Float64,
    "support_cost": pl.Float64,
    "incumbent_contract_end": pl.Date,
    "last_reply_date": pl.Date,
    "loss_reason": pl.String,
    "close_date": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A workspace: everything that its accounts have in common, and they."""

    profile: Profile
    rows: list[dict[str, Any]]
    catalogue: Catalogue
    economics: Economics
    rules: list[Disqualifier]
    known: KnownAbout
    usual: UsualTerms
    day: date | None


def chunk_of(seed: int) -> Chunk:
    draw = Random(seed)
    profile = a_profile(draw)
    rules = draw.sample(rules_over(profile), draw.randint(0, 3))
    rows = [a_row(draw, profile, place) for place in range(ACCOUNTS)]
    return Chunk(
        profile=profile,
        rows=rows,
        catalogue=a_catalogue(draw),
        economics=draw.choice([MONEY, an_economy(draw)]),
        rules=rules if draw.random() < 0.5 else [],
        known=known_about(draw, rows, [rule.id for rule in rules]),
        usual=UsualTerms(
            segments={
                f"segment {place}": Usual(
                    discount=draw.choice([None, 0.0, 0.08, 1.0]),
                    care=draw.choice([None, 500.0]),
                )
                for place in range(2)
            },
            scale=draw.choice([1.0, 100.0]),
        ),
        day=draw.choice([None, TODAY]),
    )


def an_economy(draw: Random) -> Economics:
    return Economics(
        V=round(draw.uniform(1, 10 ** draw.randint(3, 6)), 2),
        L=draw.choice([0.0, round(draw.uniform(0, 10 ** draw.randint(2, 5)), 2)]),
        C=draw.choice([0.0, round(draw.uniform(0, 5_000), 2)]),
    )


def a_catalogue(draw: Random) -> Catalogue:
    """Asking may be free, and rare answers may come first."""
    asking = CATALOGUE.asking.model_copy(
        update={
            "cost_share": draw.choice([0.0, 0.02, 0.3]),
            "least_chance": draw.choice([0.1, 0.35, 1.0]),
        }
    )
    return CATALOGUE.model_copy(update={"asking": asking})


def a_profile(draw: Random) -> Profile:
    kinds = draw.sample(["number", "category", "flag", "multi"], draw.randint(0, 4))
    tables = [a_table(draw, kind) for kind in kinds]
    pairs = []
    if len(tables) > 1 and draw.random() < 0.5:
        first, second = draw.sample(tables, 2)
        cells = range(first.size * second.size)
        points = tuple(draw.randint(-300, 300) for _ in cells)
        pairs.append(PairTable(first=first.name, second=second.name, points=points))
    segments = [
        Segment(
            name=f"segment {place}",
            kind=draw.choice(["best", "regrettable"]),
            size=5,
            surprises=tuple(
                tuple(draw.randint(0, 2_000) for _ in range(table.size))
                for table in tables
            ),
        )
        for place in range(draw.randint(0, 3))
    ]
    learnt = draw.random() < 0.95
    scale = draw.choice([1, 3, 10])
    return profile_of(
        tables,
        base=draw.randint(-900, 1_500),
        pairs=pairs,
        segments=segments,
        calibration=steady_calibration(scale=scale)
        if learnt
        else Calibration(method="none"),
        abstention=Abstention(known=draw.choice([0, 0, 0, 400]), novelty=0),
    )


def a_table(draw: Random, kind: str) -> AttributeTable:
    size = 4 if kind in {"flag", "multi"} else draw.randint(3, 6)
    rest: dict[str, Any] = {}
    name = kind
    if kind == "number":
        name = draw.choice(["vendors_in_play", "deals", "size"])
        rest["edges"] = tuple(3.5 + 2 * place for place in range(size - 3))
    if kind == "multi":
        name, rest["value"] = "tools=SAP", "SAP"
    return table_of(
        name,
        kind,
        [draw.randint(-900, 900) for _ in range(size)],
        best=[draw.randint(0, 40) for _ in range(size)],
        regrettable=[draw.randint(0, 40) for _ in range(size)],
        information=draw.choice([0, 50, 100]),
        **rest,
    )


def rules_over(profile: Profile) -> list[Disqualifier]:
    texts = ["vendors_in_play >= 6", "deals > 2", "vendors_in_play > 3 and deals = 1"]
    texts.append("days_since_reply > 30")
    own = {
        "category": "category = 'level 2'",
        "flag": "flag or vendors_in_play > 6",
        "tools=SAP": "tools has 'SAP'",
        "size": "size >= 3.5 and size < 5.5",
    }
    texts += [own[table.name] for table in profile.tables if table.name in own]
    rules = [a_rule(state, text) for text in texts for state in ("active", "policy")]
    return [*rules, *(rule.seen(EVIDENCE) for rule in rules if rule.kind == "learned")]


EVIDENCE = Evidence(
    customers=100,
    all_regrettable=50,
    covered=20,
    regrettable=18,
    p_value=0.001,
    later_covered=10,
    later_regrettable=9,
    break_even=0.5,
)


def a_row(draw: Random, profile: Profile, place: int) -> dict[str, Any]:
    def day() -> date | None:
        return draw.choice(
            [None, None, TODAY - timedelta(days=draw.randint(-700, 500))]
        )

    row: dict[str, Any] = {
        "account_id": f"a{place}",
        "vendors_in_play": draw.choice([None, None, 2.0, 4.0, 7.0]),
        "deals": draw.choice([None, None, 1.0, 3.0]),
        "discount": draw.choice([None, 0.0, 5.0, 40.0, 100.0]),
        "support_cost": draw.choice([None, 100.0, 9_000.0]),
        "incumbent_contract_end": day(),
        "last_reply_date": day(),
        "loss_reason": draw.choice(LOST),
        "close_date": day(),
    }
    for table in profile.tables:
        values = {
            "number": [1.0, 4.0, 6.0, 8.0, float("inf")],
            "category": [*(level for level, _ in table.levels), "never seen"],
            "flag": [True, False],
            "multi": [["SAP"], ["AWS", "SAP"], []],
        }[table.kind.value]
        row[table.column] = draw.choice(values) if draw.random() < 0.6 else None
    return row


def known_about(
    draw: Random, rows: list[dict[str, Any]], rules: list[str]
) -> KnownAbout:
    """Two thirds of the accounts have been talked to."""
    signals, attempts, excepted = {}, {}, {}
    for row in rows:
        account, chance = row["account_id"], draw.random()
        if chance < 0.66:
            signals[account] = [a_signal(draw) for _ in range(draw.randint(1, 3))]
        if chance < 0.33:
            attempts[account] = [an_attempt(draw) for _ in range(draw.randint(1, 3))]
        if chance < 0.1:
            excepted[account] = frozenset(draw.sample([*CODES, *rules], 2))
    return KnownAbout(signals=signals, attempts=attempts, excepted=excepted)


def a_signal(draw: Random) -> Signal:
    return Signal(
        reason=draw.choice(CODES),
        holds=draw.random() < 0.5,
        on=draw.choice([None, TODAY - timedelta(days=draw.randint(0, 600))]),
    )


def an_attempt(draw: Random) -> Attempt:
    code = draw.choice(UNGATED)
    plays = [step.play for step in CATALOGUE[code].steps]
    return Attempt(reason=code, play=draw.choice(plays), worked=draw.random() < 0.2)


def account_of(chunk: Chunk, row: dict[str, Any]) -> Account:
    result, name = score_one(row, chunk.profile), row["account_id"]
    profile, known = chunk.profile, chunk.known
    step = profile.calibration.step(result.margin)
    signals = [
        *known.signals.get(name, ()),
        *observed(row, chunk.catalogue, on=chunk.day),
    ]
    return Account(
        score=result,
        profile=profile,
        facts=row,
        catalogue=chunk.catalogue,
        economics=chunk.economics,
        chance=LOG_ODDS[step] if profile.calibration.thresholds else None,
        signals=newest(signals, chunk.catalogue, chunk.day),
        attempts=known.attempts.get(name, ()),
        exempt=known.excepted.get(name, frozenset()),
        rules=sorted(chunk.rules, key=lambda rule: rule.kind != "policy"),
        terms=terms_of(row, result.nearest_best, chunk.usual, on=chunk.day),
    )


def listed(chunk: Chunk) -> pl.DataFrame:
    """The verdicts of the whole chunk at once."""
    frame = frame_of(chunk.rows, chunk.profile)
    extra = {
        name: pl.Series(name, [row[name] for row in chunk.rows], dtype=dtype)
        for name, dtype in EXTRA.items()
    }
    return verdicts(
        score(frame.with_columns(**extra), chunk.profile),
        chunk.profile,
        economics=chunk.economics,
        catalogue=chunk.catalogue,
        disqualifiers=chunk.rules,
        known=chunk.known,
        usual=chunk.usual,
        on=chunk.day,
        today=chunk.day,
    )


def exception(code: str) -> Override:
    return Override(
        rule=code,
        account_id="x",
        asked_by="bob",
        approver="eve",
        reason="known for years",
        on=TODAY,
    )


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    return [chunk_of(seed) for seed in range(CHUNKS)]


def test_a_list_says_what_plain_python_says_of_each_account(chunks):
    """10,000 accounts of 100 workspaces, each judged both ways."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        for row, ours in zip(
            chunk.rows, listed(chunk).iter_rows(named=True), strict=True
        ):
            naive = judge(account_of(chunk, row))
            text = naive.questions[0].text if naive.questions else None
            assert ours["verdict"] == naive.verdict
            assert ours["verdict_reasons"] == naive.codes
            assert ours["expected_value"] == naive.worth
            assert ours["next_question"] == text
            counts[naive.verdict] += 1
    assert counts.total() == CHUNKS * ACCOUNTS
    assert min(counts[name] for name in RANK) >= 100


def test_a_verdict_in_words_is_the_lists_and_plain_pythons(chunks):
    for chunk in chunks:
        for row in chunk.rows[::ALONE]:
            account = account_of(chunk, row)
            naive = judge(account)
            alone = decide(
                account.score,
                profile=chunk.profile,
                facts=row,
                economics=chunk.economics,
                catalogue=chunk.catalogue,
                disqualifiers=chunk.rules,
                signals=account.signals.values(),
                attempts=account.attempts,
                exceptions=[exception(code) for code in account.exempt],
                terms=account.terms,
                today=chunk.day,
            )
            assert alone.verdict == naive.verdict
            assert list(alone.codes) == naive.codes
            assert alone.reason == naive.reason
            assert (alone.step and alone.step.play) == naive.play
            money = alone.money
            assert (money.p, money.p_cured) == (naive.p_now, naive.p)
            assert money.pursue_cured == naive.worth
            for ours, theirs in zip(alone.questions, naive.questions, strict=True):
                assert ours.code == theirs.code
                assert ours.value == pytest.approx(theirs.value, rel=1e-9)
                assert ours.turns == pytest.approx(theirs.turns, rel=1e-9)
                assert [a.verdict for a in ours.answers] == theirs.answers
