from datetime import date
from types import SimpleNamespace

from icp.disqualifiers import RuleEvidence, proposed_rule
from icp.workflow.rules import rules

DAY = date(2026, 1, 31)
STRONG = RuleEvidence(
    customers=9,
    all_regrettable=5,
    covered=4,
    regrettable=4,
    p_value=0.01,
    later_p_value=0.01,
    low=0.9,
    break_even=0.6,
)


def test_of_the_rules_that_wait_strong_ones_are_first() -> None:
    doubtful = STRONG.model_copy(update={"low_beside": 0.2})
    told = [("a = 1", doubtful), ("b = 1", STRONG), ("c = 1", doubtful)]
    waiting = [proposed_rule(text, seen, on=DAY) for text, seen in told]
    context = SimpleNamespace(
        config=SimpleNamespace(policy=()),
        store=SimpleNamespace(rules=SimpleNamespace(all=lambda: waiting)),
    )
    assert rules(context) == (waiting[1], waiting[0], waiting[2])
