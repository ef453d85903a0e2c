"""Accounts about which something is known, for the laws of verdicts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from icp.disqualifiers import Disqualifier, policy_rule
from icp.outcomes import Economics
from icp.qualify import Attempt, Signal, Terms, default_catalogue
from icp.scoring import Score

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from icp.conditions import Condition

TODAY = date(2026, 3, 31)
CATALOGUE = default_catalogue()
CODES = CATALOGUE.codes
UNGATED = tuple(r.code for r in CATALOGUE.reasons if r.severity != "gate")
SOFT = tuple(r.code for r in CATALOGUE.reasons if r.severity == "soft")
MONEY = Economics(V=15_000, L=8_000, C=1_500)


def score_of(fit: float | None = 50.0, **rest: Any) -> Score:
    fields: dict[str, Any] = {
        "fit": fit,
        "grade": None if fit is None else "B",
        "state": "not_evaluable" if fit is None else "scored",
        "why_not": "only 10% is known" if fit is None else "",
        "margin": 0,
        "p_best": None,
        "p_low": None,
        "p_high": None,
        "distance_best": 2_000,
        "nearest_best": "Retail",
        "distance_regrettable": 3_000,
        "nearest_regrettable": "Tenders",
        "known_fraction": 1.0,
        "novelty_p": 0.5,
        "disqualified_by": (),
        "points": {},
        "base": 0,
    }
    return Score(**{**fields, **rest})


def a_rule(
    state: str = "active", condition: Condition | str = "vendors >= 5"
) -> Disqualifier:
    policy = policy_rule(
        condition, by="ada", reason="ethics", why="we do not", on=TODAY
    )
    if state == "policy":
        return policy
    moves = [{**policy.moves[0].model_dump(), "state": state}]
    return Disqualifier.model_validate(
        {
            **policy.model_dump(),
            "kind": "learned",
            "state": state,
            "reason": "too_many_vendors",
            "moves": moves,
        }
    )


money = st.floats(0, 1e6).map(lambda x: round(x, 2))
economies = st.builds(
    Economics, V=st.floats(1, 1e6).map(lambda x: round(x, 2)), L=money, C=money
)
fits = st.one_of(st.none(), st.integers(0, 999).map(lambda step: step / 10))
shares = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 0.9, 1.0]))
costs = st.one_of(st.none(), st.sampled_from([0.0, 500.0, 20_000.0]))
all_terms = st.builds(
    Terms,
    discount=shares,
    usual_discount=shares,
    cost_to_keep=costs,
    usual_cost_to_keep=costs,
    incumbent_months=st.one_of(st.none(), st.integers(0, 24).map(float)),
)


def known(codes: tuple[str, ...] = UNGATED) -> SearchStrategy[dict[str, bool]]:
    return st.dictionaries(st.sampled_from(codes), st.booleans(), max_size=5)


@st.composite
def tries(draw: DrawFn) -> list[Attempt]:
    codes = draw(st.lists(st.sampled_from(UNGATED), max_size=4))
    return [
        Attempt(
            reason=code,
            play=draw(st.sampled_from([s.play for s in CATALOGUE[code].steps])),
            worked=draw(st.booleans()),
        )
        for code in codes
    ]


@st.composite
def cases(draw: DrawFn) -> dict[str, Any]:
    """Arguments of `decide`, the score apart."""
    return {
        "economics": draw(economies),
        "signals": draw(known()),
        "attempts": draw(tries()),
        "terms": draw(st.one_of(st.none(), all_terms)),
    }


def signal(code: str, holds: bool = True, **rest: Any) -> Signal:
    return Signal(reason=code, holds=holds, **rest)
