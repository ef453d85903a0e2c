import pytest

from icp.errors import NotFoundError
from icp.outcomes import OutcomePolicy
from icp.outcomes.policy import Rule
from icp.report import Bullets


def said(card, title):
    sections = {section.title: section.blocks for section in card.sections}
    return [
        line
        for block in sections.get(title, ())
        for line in (block.lines if isinstance(block, Bullets) else [block])
    ]


def test_the_card_knows_who_learnt_and_who_put_it_in_force(scored):
    card = scored.profiles.card()
    assert card.title == "Ideal customer profile v1"
    first, put = said(card, "Who answers for it")
    assert first.startswith("v1 was learned by ann on ")
    assert first.endswith("It is in force.")
    assert put.startswith("It was put in force by ann on ")
    assert put.endswith(": first.")


def test_every_time_in_force_is_told_newest_first(scored, clock):
    scored.labels.override("C0", "best", reason="paid")
    clock.pass_time(days=2)
    scored.profiles.activate(scored.profiles.learn(seed=1).version)
    scored.profiles.rollback(reason="too strict")
    _, *history = said(scored.profiles.card("v1"), "Who answers for it")
    assert [line.split(" by ")[0] for line in history] == [
        "It was put back in force",
        "It was put in force",
    ]
    assert history[0].endswith(": too strict.")
    second, put = said(scored.profiles.card("v2"), "Who answers for it")
    assert second.endswith("It is not in force.")
    assert put.endswith(": no reason given.")


def test_what_best_means_is_told_until_customers_are_labelled_anew(scored):
    means = said(scored.profiles.card(), "What best and regrettable mean")
    assert sorted(means) == [
        "customer_status 'Bad' is regrettable",
        "customer_status 'Good' is best",
    ]
    scored.labels.override("C0", "best", reason="paid")
    scored.labels.label()
    assert said(scored.profiles.card(), "What best and regrettable mean") == []


def test_thresholds_that_move_outcomes_are_told(scored):
    policy = OutcomePolicy(
        rules=(
            Rule(outcome="regrettable", when="employees >= 20", reason="too large"),
            Rule(outcome="best", when="employees < 20", reason="small"),
        )
    )
    scored.labels.label(policy)
    record = scored.profiles.learn()
    moved = said(
        scored.profiles.card(record.version), "What other choices would change"
    )
    assert moved[:2] == [
        "employees >= 20: at 10 the outcome of 50 customers would be another.",
        "employees < 20: at 10 the outcome of 50 customers would be another.",
    ]


def test_an_unknown_profile_has_no_card(scored):
    with pytest.raises(NotFoundError, match="no profiles are called 'v9'"):
        scored.profiles.card("v9")


def test_without_a_profile_in_force_there_is_no_card(imported):
    with pytest.raises(NotFoundError, match="no profile is in force"):
        imported.profiles.card()
