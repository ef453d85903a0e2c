"""Who may do what: every use case of every area, and how people get their role."""

import inspect

import pytest

from icp.errors import PermissionDeniedError
from icp.workflow import Workspace, open_workspace
from icp.workflow.access import LADDER, Area, granted

#: Who may do what, use case by use case; a new one must be added here.
LEAST = {
    "accounts.declared_plan": "viewer",
    "accounts.find": "rep",
    "accounts.imported_on": "viewer",
    "accounts.keep_plans": "analyst",
    "accounts.plan": "viewer",
    "accounts.schema": "viewer",
    "accounts.table": "viewer",
    "accounts.table_if_any": "viewer",
    "deals.allow_gate": "rep",
    "deals.answer": "rep",
    "deals.attempt": "rep",
    "deals.awake": "viewer",
    "deals.exits": "viewer",
    "deals.freed": "viewer",
    "deals.leave": "rep",
    "deals.lost_reasons": "viewer",
    "deals.refer": "rep",
    "deals.referrals": "viewer",
    "deals.reopen": "rep",
    "deals.waiting": "viewer",
    "deals.wake_up": "analyst",
    "doctor": "viewer",
    "events": "viewer",
    "imports.export_quarantine": "viewer",
    "imports.export_unmatched": "viewer",
    "imports.last": "viewer",
    "imports.quarantine": "viewer",
    "imports.run": "analyst",
    "imports.unmatched": "viewer",
    "jobs.cancel": "analyst",
    "jobs.get": "viewer",
    "jobs.list": "viewer",
    "jobs.start": "analyst",
    "labels.closed": "viewer",
    "labels.export_customers": "viewer",
    "labels.label": "analyst",
    "labels.labelled": "viewer",
    "labels.override": "analyst",
    "labels.preview": "viewer",
    "labels.propose_policy": "viewer",
    "labels.record": "viewer",
    "labels.sensitivity": "viewer",
    "labels.withdraw": "analyst",
    "profiles.accept_column": "analyst",
    "profiles.activate": "analyst",
    "profiles.active": "viewer",
    "profiles.card": "viewer",
    "profiles.diff": "viewer",
    "profiles.get": "viewer",
    "profiles.group_and_date": "viewer",
    "profiles.learn": "analyst",
    "profiles.list": "viewer",
    "profiles.record": "viewer",
    "profiles.rollback": "analyst",
    "rules.add_policy": "analyst",
    "rules.allow_exception": "rep",
    "rules.exceptions": "viewer",
    "rules.get": "viewer",
    "rules.in_force": "viewer",
    "rules.list": "viewer",
    "rules.move": "analyst",
    "rules.reasons": "viewer",
    "rules.search": "analyst",
    "rules.try_rule": "analyst",
    "scores.check": "rep",
    "scores.export": "viewer",
    "scores.outliers": "viewer",
    "scores.record": "viewer",
    "scores.run": "analyst",
    "scores.score_file": "analyst",
    "scores.scored": "viewer",
    "sources.add": "analyst",
    "sources.all_or_nothing": "analyst",
    "sources.mapping": "viewer",
    "sources.preview": "analyst",
    "sources.read": "analyst",
    "sources.read_like": "analyst",
    "sources.remove": "analyst",
    "sources.save_mapping": "analyst",
    "status": "viewer",
    "verdicts.judge": "rep",
    "verdicts.judge_list": "viewer",
    "verdicts.signals": "viewer",
}
PLAIN = {"close"}


def use_cases(workspace):
    """Each public method of the workspace and of its areas, by its name."""
    areas = {n: a for n, a in vars(workspace).items() if isinstance(a, Area)}
    return {
        f"{area}.{name}" if area else name: method
        for area, owner in {"": workspace, **areas}.items()
        for name, method in inspect.getmembers(type(owner), inspect.isfunction)
        if not name.startswith("_") and name not in PLAIN
    }


def test_every_use_case_says_who_may_use_it(imported_folder):
    with open_workspace(imported_folder) as workspace:
        methods = use_cases(workspace)
    without = [name for name, method in methods.items() if not hasattr(method, "needs")]
    assert without == []
    assert {name: method.needs for name, method in methods.items()} == LEAST


def test_every_area_is_one_of_the_workspace(imported_folder):
    with open_workspace(imported_folder) as workspace:
        areas = {type(area) for area in vars(workspace).values()}
    assert set(Area.__subclasses__()) - {Workspace} == {
        area for area in areas if issubclass(area, Area)
    }


@pytest.mark.parametrize("name", sorted(n for n in LEAST if LEAST[n] != "viewer"))
def test_a_lesser_role_is_refused(imported_folder, name):
    lesser = LADDER[LADDER.index(LEAST[name]) - 1]
    with open_workspace(imported_folder, actor="eve", role=lesser) as workspace:
        method = use_cases(workspace)[name]
        owner = getattr(workspace, name.partition(".")[0])
        with pytest.raises(PermissionDeniedError) as caught:
            method(owner)
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
        assert visitor.imports.last().customers == 90
        with pytest.raises(PermissionDeniedError, match="is viewer here"):
            visitor.imports.run()


@pytest.mark.parametrize("actor", [None, ""])
def test_a_sign_in_without_a_name_opens_nothing(imported, actor):
    with pytest.raises(PermissionDeniedError, match="the sign-in gave no name"):
        open_workspace(imported.path, actor=actor, signed_in=True)
