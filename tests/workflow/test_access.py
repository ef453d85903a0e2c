import inspect

import pytest

from icp.errors import PermissionDeniedError
from icp.workflow import Workspace, open_workspace
from icp.workflow.access import LADDER, granted

#: Who may do what, method by method; a new method must be added here.
LEAST = {
    "accept_column": "analyst",
    "accounts": "viewer",
    "activate": "analyst",
    "active": "viewer",
    "add_policy_rule": "analyst",
    "add_source": "analyst",
    "all_or_nothing": "analyst",
    "allow_exception": "rep",
    "allow_gate": "rep",
    "awake": "viewer",
    "cancel_job": "analyst",
    "card": "viewer",
    "check": "rep",
    "diff": "viewer",
    "disqualifier": "viewer",
    "disqualifiers": "viewer",
    "doctor": "viewer",
    "events": "viewer",
    "exceptions": "viewer",
    "exits": "viewer",
    "export_customers": "viewer",
    "export_quarantine": "viewer",
    "export_scores": "viewer",
    "export_unmatched": "viewer",
    "find_disqualifiers": "analyst",
    "freed": "viewer",
    "import_sources": "analyst",
    "job": "viewer",
    "jobs": "viewer",
    "judge": "rep",
    "keep_plans": "analyst",
    "label": "analyst",
    "label_preview": "viewer",
    "label_sensitivity": "viewer",
    "labelled": "viewer",
    "last_import": "viewer",
    "learn": "analyst",
    "leave": "rep",
    "lost_reasons": "viewer",
    "mapping": "viewer",
    "move_disqualifier": "analyst",
    "note_answer": "rep",
    "note_attempt": "rep",
    "note_referral": "rep",
    "outliers": "viewer",
    "override_label": "analyst",
    "plan": "viewer",
    "profile": "viewer",
    "profile_record": "viewer",
    "profiles": "viewer",
    "propose_policy": "viewer",
    "quarantine": "viewer",
    "read_preview": "analyst",
    "reasons": "viewer",
    "referrals": "viewer",
    "remove_source": "analyst",
    "rollback": "analyst",
    "save_mapping": "analyst",
    "schema": "viewer",
    "score": "analyst",
    "score_file": "analyst",
    "scored": "viewer",
    "start_job": "analyst",
    "status": "viewer",
    "take_up": "rep",
    "try_rule": "analyst",
    "unmatched": "viewer",
    "waiting": "viewer",
    "wake_up": "analyst",
    "withdraw_override": "analyst",
    "verdicts": "viewer",
}
PLAIN = {"close"}


def public_methods():
    members = inspect.getmembers(Workspace, inspect.isfunction)
    return {name for name, _ in members if not name.startswith("_")} - PLAIN


def test_every_method_says_who_may_use_it():
    assert public_methods() == set(LEAST)
    needed = {name: getattr(Workspace, name).needs for name in LEAST}
    assert needed == LEAST


@pytest.mark.parametrize("name", sorted(n for n in LEAST if LEAST[n] != "viewer"))
def test_a_lesser_role_is_refused(imported_folder, name):
    lesser = LADDER[LADDER.index(LEAST[name]) - 1]
    with open_workspace(imported_folder, actor="eve", role=lesser) as workspace:
        method = getattr(workspace, name)
        with pytest.raises(PermissionDeniedError) as caught:
            method()
    assert str(caught.value) == (
        f"'eve' is {lesser} here and this needs {LEAST[name]}; "
        "ask an admin to change [roles] in icp.toml"
    )
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("roles", "asked", "role"),
    [
        ({}, None, "admin"),
        ({}, "viewer", "viewer"),
        ({"ann": "rep"}, None, "rep"),
        ({"ann": "rep"}, "admin", "rep"),
        ({"ann": "admin"}, "analyst", "analyst"),
        ({"bob": "admin"}, None, "viewer"),
        ({"bob": "admin"}, "admin", "viewer"),
    ],
)
def test_roles_are_given_by_the_file_and_only_taken_away_by_callers(roles, asked, role):
    assert granted("ann", roles, asked) == role


def test_the_file_decides_who_is_what(imported):
    config = imported.path / "icp.toml"
    config.write_text(config.read_text() + '[roles]\nann = "rep"\n')
    with open_workspace(imported.path, actor="ann", role="admin") as workspace:
        assert workspace.role == "rep"
    with open_workspace(imported.path, actor="eve") as workspace:
        assert workspace.role == "viewer"


def test_the_actor_may_come_from_the_environment(imported_folder, monkeypatch):
    monkeypatch.setenv("ICP_ACTOR", "carol")
    with open_workspace(imported_folder) as workspace:
        assert workspace.actor == "carol"


@pytest.mark.parametrize(
    ("roles", "signed_in", "role"),
    [
        ({}, False, "admin"),
        ({}, True, "viewer"),
        ({"bob": "admin"}, True, "viewer"),
        ({"ann@example.com": "rep"}, True, "rep"),
        ({"ann@example.com": "admin"}, True, "admin"),
    ],
)
def test_who_signed_in_has_no_rights_but_those_given(roles, signed_in, role):
    assert granted("ann@example.com", roles, None, signed_in=signed_in) == role


def test_a_sign_in_without_roles_may_only_look(imported):
    with open_workspace(imported.path, actor="x@y.example", signed_in=True) as visitor:
        assert visitor.role == "viewer"
        assert visitor.last_import().customers == 90
        with pytest.raises(PermissionDeniedError, match="is viewer here"):
            visitor.import_sources()


@pytest.mark.parametrize("actor", [None, ""])
def test_a_sign_in_without_a_name_opens_nothing(imported, actor):
    with pytest.raises(PermissionDeniedError, match="the sign-in gave no name"):
        open_workspace(imported.path, actor=actor, signed_in=True)
