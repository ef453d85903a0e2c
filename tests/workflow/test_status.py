from datetime import UTC, date, datetime

import pytest

from icp.disqualifiers import Evidence, proposed_rule
from icp.store.records import LabelRecord
from icp.workflow import create_workspace
from icp.workflow.status import LEAST, _too_few


def labelling(**counts):
    return LabelRecord(
        number=1,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        author="ann",
        import_number=1,
        bulk="",
        policy={},
        counts=counts,
    )


@pytest.mark.parametrize(
    ("best", "regrettable", "words"),
    [
        (15, 10, ""),
        (14, 10, "Only 14 customers are best, 15 are needed"),
        (15, 9, "Only 9 customers are regrettable, 10 are needed"),
        (0, 0, "Only 0 customers are best, 15 are needed"),
    ],
)
def test_learning_is_only_proposed_where_it_says_anything(best, regrettable, words):
    said = _too_few(labelling(best=best, regrettable=regrettable))
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_an_outcome_that_nobody_has_is_too_few():
    assert "customers are regrettable" in _too_few(labelling(best=20))
    assert set(LEAST) == {"best", "regrettable"}


def test_prospects_alone_ask_for_customers(tmp_path, exports):
    with create_workspace(tmp_path / "space") as workspace:
        workspace.sources.add(exports / "prospects.csv", object="prospects")
        workspace.imports.run()
        assert workspace.status().next_steps == (
            "Add the customers to learn from: icp import FILE --as accounts",
        )


@pytest.mark.parametrize(
    ("questions", "step"),
    [
        (("Signed,", "03/04/2025"), "Answer 1 question about the imported data: icp"),
        (
            ("Signed,Left,", "03/04/2025,05/06/2025"),
            "Answer 2 questions about the imported data: icp import lists them",
        ),
    ],
)
def test_open_questions_come_last(tmp_path, questions, step):
    headers, values = questions
    file = tmp_path / "customers.csv"
    file.write_text(f"{headers.rstrip(',')},Account ID\n{values},A\n{values},B\n")
    with create_workspace(tmp_path / "space") as workspace:
        workspace.sources.add(file, object="accounts")
        workspace.imports.run()
        assert workspace.status().next_steps[-1].startswith(step)


def test_after_an_older_profile_comes_back_the_newer_is_still_shown(scored):
    scored.profiles.activate(scored.profiles.learn(seed=1).version)
    assert not any("v2" in step for step in scored.status().next_steps)
    scored.profiles.rollback(reason="the old one was better")
    assert scored.status().next_steps[0] == (
        "Look at profile v2 and put it in force: icp profile activate v2"
    )
    assert scored.status().active.number == 1


def test_rules_that_wait_for_a_person_are_the_next_step(scored):
    before = scored.status().next_steps
    assert not any("rule" in step for step in before)
    seen = Evidence(
        customers=40,
        all_regrettable=14,
        covered=12,
        regrettable=11,
        p_value=0.01,
        break_even=0.5,
    )
    rule = proposed_rule("employees < 10", seen, on=date(2026, 1, 31))
    scored._session.store.rules.propose([rule], actor="ann")
    assert "Decide about 1 proposed rule: icp rules list" in scored.status().next_steps
    scored.rules.move(rule.id, "shadow", reason="let us see")
    assert scored.status().next_steps == before
