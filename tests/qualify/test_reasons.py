from __future__ import annotations

import pytest
from generators.qualify_cases import CATALOGUE

from icp.errors import ConfigError
from icp.qualify import default_catalogue, read_catalogue
from icp.qualify.reasons import PLAYS

DESIGNED = {
    "no_need": ("walk_away", {"nothing"}),
    "square_peg": ("walk_away", {"nothing"}),
    "requirements_unmet": ("not_now", {"time"}),
    "makes_it_worse": ("redirect", {"person"}),
    "no_value_seen": ("ask", {"proof", "person"}),
    "no_budget": ("not_now", {"money", "time"}),
    "budget_undisclosed": ("ask", {"person"}),
    "no_authority": ("redirect", {"person"}),
    "unresponsive": ("ask", {"time"}),
    "stalled": ("ask", {"time"}),
    "no_urgency": ("not_now", {"time"}),
    "price_only": ("second_option", {"nothing"}),
    "too_many_vendors": ("second_option", {"nothing"}),
    "glass_wall": ("second_option", {"time"}),
    "cost_to_keep_happy": ("walk_away", {"nothing"}),
    "outside_profile": ("walk_away", {"nothing"}),
    "ethics": ("walk_away", {"nothing"}),
}
#: Words for a person's face: no threats, no jargon, nobody is blamed.
HARSH = ("unfortunately", "failed", "waste of", "disqualif", "icp", "pipeline", "score")


def test_the_catalogue_is_the_designed_one():
    found = {
        r.code: (r.steps[0].verdict, set(r.cure)) for r in default_catalogue().reasons
    }
    assert found == DESIGNED


@pytest.mark.parametrize("reason", CATALOGUE.reasons, ids=CATALOGUE.codes)
def test_every_reason_can_be_said_out_loud(reason):
    for step in reason.steps:
        assert 60 <= len(step.say) <= 300
        assert not [word for word in HARSH if word in step.say.lower()]
    assert reason.question.endswith("?")
    assert reason.meaning.endswith(".")
    assert reason.wake.never or reason.wake.when or reason.wake.months


def test_only_ethics_is_a_gate():
    assert [r.code for r in CATALOGUE.reasons if r.severity == "gate"] == ["ethics"]


def test_no_lost_reason_means_two_things():
    entries = [entry for reason in CATALOGUE.reasons for entry in reason.lost]
    assert len(entries) == len(set(entries))


def test_the_ladder_is_quantify_other_person_exit():
    reason, tried, plays = CATALOGUE["no_value_seen"], frozenset(), []
    for _ in range(4):
        plays.append(reason.step(tried).play)
        tried |= {plays[-1]}
    assert plays == ["quantify", "other_stakeholder", "referral", "referral"]
    assert [PLAYS[play] for play in plays[:3]] == ["ask", "redirect", "walk_away"]


def test_a_workspace_changes_single_values_and_keeps_the_rest():
    text = """
    [asking]
    cost_share = 0.5

    [reasons.no_need]
    title = "Kein Bedarf"
    lost = ["kein bedarf"]
    """
    found = read_catalogue(text)
    assert found["no_need"].title == "Kein Bedarf"
    assert found["no_need"].lost == ("kein bedarf",)
    assert found["no_need"].question == CATALOGUE["no_need"].question
    assert found.asking.cost_share == 0.5
    assert found.asking.least_chance == CATALOGUE.asking.least_chance
    assert found.codes == CATALOGUE.codes


def test_a_wake_condition_is_replaced_whole():
    found = read_catalogue('[reasons.ethics.wake]\ntext = "x"\nmonths = 3')
    assert found["ethics"].wake.never == ""


def test_a_workspace_adds_a_reason():
    text = """
    [reasons.wrong_season]
    title = "Harvest"
    meaning = "They have no time during the harvest."
    question = "When is the harvest over?"
    severity = "soft"
    cure = ["time"]
    seen = { best = 0.1, regrettable = 0.2 }
    steps = [{ play = "park", say = "Let us speak in November." }]
    wake = { text = "the harvest is over", months = 3 }
    """
    found = read_catalogue(text)
    assert found.codes == (*CATALOGUE.codes, "wrong_season")
    assert found["wrong_season"].step().verdict == "not_now"


COMPLETE = """
[reasons.new]
title = "t"
meaning = "m"
question = "q"
severity = "{severity}"
cure = {cure}
seen = {{ best = {best}, regrettable = 0.2 }}
steps = [{{ play = "{play}", say = "s" }}]
wake = {wake}
when = ["{when}"]
"""
FINE = {
    "severity": "strong",
    "cure": '["time"]',
    "best": "0.1",
    "play": "park",
    "wake": '{ text = "x", months = 3 }',
    "when": "vendors > 3",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"severity": "gate"}, "new: a gate takes only the play 'referral'"),
        (
            {"severity": "soft", "play": "referral"},
            "new: a soft reason's first step may not be to walk away",
        ),
        ({"severity": "hard"}, "new.severity: input should be 'gate', 'strong' or"),
        ({"best": "0.9"}, "new.seen: a reason to walk away must be seen less often in"),
        ({"best": "2"}, "new.seen.best: input should be less than or equal to 1"),
        ({"play": "shout"}, "new.steps.0.play: input should be 'quantify'"),
        ({"cure": '["nothing", "time"]'}, "new: 'nothing' excludes every other cure"),
        ({"cure": "[]"}, "new.cure: tuple should have at least 1 item"),
        ({"wake": '{ text = "x" }'}, "new.wake: give 'when' or 'months', or explain"),
        ({"wake": "{ months = 3 }"}, "new.wake: describe in 'text' what reopens it"),
        ({"when": "vendors >"}, 'new.when.0: cannot read the rule at "the end"'),
    ],
)
def test_mistakes_are_named_with_their_place(changed, message):
    with pytest.raises(ConfigError) as caught:
        read_catalogue(COMPLETE.format(**{**FINE, **changed}), file="mine.toml")
    assert str(caught.value).startswith(f"mine.toml: {message}")


def test_the_complete_example_is_fine():
    assert read_catalogue(COMPLETE.format(**FINE))["new"].weigh is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reasons = 3", "must contain one table per code"),
        ("reasons.no_need = 3", "must contain one table per code"),
        ("[reasons", "not valid TOML"),
        ("[asknig]", "asknig: unknown key; did you mean 'asking'?"),
        ("[reasons.x]\ntitle = 't'", "x.meaning: is missing; add it"),
        ("[reasons.X]\ntitle = 't'", "X.code: string should match pattern"),
        (
            "[head_to_head]\ndisplace = 0.01",
            "head_to_head: 'displace' may not be below 'called_later'",
        ),
    ],
)
def test_other_mistakes_are_named_too(text, message):
    with pytest.raises(ConfigError, match=r"reasons\.toml: ") as caught:
        read_catalogue(text)
    assert message in str(caught.value)


def test_more_than_five_mistakes_are_counted():
    text = "\n".join(f"[reasons.x{n}]\ntitle = 't'" for n in range(3))
    with pytest.raises(ConfigError, match="and 16 more"):
        read_catalogue(text)


def test_an_unknown_code_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'no_budget'"):
        CATALOGUE["no_buget"]
