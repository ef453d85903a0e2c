import pytest

from icp.errors import NotFoundError, PolicyError
from icp.outcomes import LabelColumn, OutcomePolicy, Thresholds, Worth
from icp.workflow import open_workspace

SWAPPED = OutcomePolicy(
    label=LabelColumn(
        column="customer_status", values={"Good": "regrettable", "Bad": "best"}
    )
)


def test_a_preview_keeps_nothing(imported):
    seen = imported.labels.preview()
    assert seen.counts == {"best": 44, "regrettable": 46, "neutral": 0, "unknown": 0}
    assert imported.status().labels == {}
    with pytest.raises(NotFoundError, match="no outcomes yet; run icp label"):
        imported.labels.labelled()


def test_labels_are_kept_with_their_reasons(imported):
    imported.labels.label()
    frame = imported.labels.labelled().select("account_id", "outcome", "outcome_reason")
    first = frame.head(1).collect().row(0)
    assert first[:2] == ("C0", "regrettable")
    assert "Bad" in first[2]
    before = imported.events().height
    imported.labels.label()
    assert imported.events().height == before


def test_a_policy_that_is_given_is_written_down_and_used_again(imported):
    imported.labels.label(SWAPPED)
    assert imported.config.outcome == SWAPPED
    assert imported.status().labels["best"] == 46
    with open_workspace(imported.path) as again:
        assert again.labels.label().counts["best"] == 46


def test_without_rules_a_proposal_is_made_and_written_down(imported):
    config = imported.path / "icp.toml"
    text = config.read_text()
    start, end = text.index("[outcome.label]"), text.index("[learning.options]")
    config.write_text(text[:start] + text[end:])
    with open_workspace(imported.path) as workspace:
        assert workspace.config.outcome is None
        seen = workspace.labels.label()
        assert seen.total == 90
        assert workspace.config.outcome is not None


def test_what_a_person_says_stands_over_the_rules(imported):
    imported.labels.override("C0", "best", reason="changed their mind")
    assert imported.labels.preview().counts["best"] == 45
    imported.labels.label()
    row = imported.labels.labelled().filter(account_id="C0").collect()
    assert row["outcome"].item() == "best"
    assert "changed their mind" in row["outcome_reason"].item()
    assert "ann" in row["outcome_reason"].item()
    assert imported.config.outcome.overrides == ()


@pytest.mark.parametrize(
    ("account", "outcome", "reason", "error"),
    [
        ("C0", "good", "why", PolicyError),
        ("C0", "best", "  ", PolicyError),
        ("X1", "best", "why", NotFoundError),
    ],
)
def test_an_override_needs_an_account_an_outcome_and_a_reason(
    imported, account, outcome, reason, error
):
    with pytest.raises(error):
        imported.labels.override(account, outcome, reason=reason)
    assert "override" not in imported.events()["kind"].to_list()


WORTH = OutcomePolicy(
    worth=Worth(value="employees"),
    thresholds=Thresholds(best_from=25, regrettable_below=15),
)


def test_moving_a_limit_shows_who_changes(imported):
    moved = imported.labels.sensitivity(WORTH)
    now, *steps = moved.select("threshold", "value", "best", "flipped").rows()
    assert now == ("", None, 20, 0)
    assert ("best_from", 27.5, 8, 12) in steps
    assert {name for name, *_ in steps} == {"best_from", "regrettable_below"}
    assert imported.events()["kind"].to_list().count("label") == 0


def test_a_label_column_has_no_limit_to_move(imported):
    assert imported.labels.sensitivity().height == 1


def test_what_was_said_by_hand_is_not_moved(imported):
    account = imported.accounts.table().filter(employees=25.0).head(1).collect()
    name = account["account_id"][0]
    imported.labels.override(name, "neutral", reason="x")
    moved = imported.labels.sensitivity(WORTH)
    assert moved["best"][0] == 19
    assert not any(name in flip for flips in moved["flips"] for flip in flips)


def test_rules_are_proposed_anew_whatever_the_settings_say(imported, tmp_path):
    assert imported.config.outcome.label.values["Good"] == "best"
    proposed = imported.labels.propose_policy()
    assert proposed.label.column == "customer_status"
    assert proposed.notes == (
        "customer_status decides: 'Good' is best; 'Bad' is regrettable",
    )
    imported.labels.label(proposed)
    assert imported.config.outcome == proposed
