import shutil

import pytest

from icp.config import set_assembly
from icp.errors import CancelledError, ConfigError, NotFoundError, PolicyError
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import OutcomePolicy, Thresholds, Worth
from icp.workflow import create_workspace, open_workspace


def test_learning_needs_outcomes(imported):
    with pytest.raises(NotFoundError, match="run icp label"):
        imported.profiles.learn()


def test_the_same_data_give_the_same_profile(scored):
    before = scored.events().height
    again = scored.profiles.learn()
    assert (again.number, again.id) == (1, scored.profiles.active().id)
    assert scored.events().height == before
    assert scored.profiles.get().id == again.id


def test_another_seed_is_another_profile_and_not_in_force(scored):
    record = scored.profiles.learn(seed=1)
    assert (record.number, record.active, record.parent) == (2, False, 1)
    assert (record.import_number, record.label_number) == (1, 1)
    assert [p.number for p in scored.profiles.list()] == [2, 1]
    assert scored.profiles.active().number == 1


@pytest.mark.parametrize("ref", ["1", "v1", 1, None])
def test_a_profile_is_called_in_several_ways(scored, ref):
    assert scored.profiles.record(ref).number == 1


def test_a_profile_is_called_by_the_start_of_its_id(scored):
    record = scored.profiles.active()
    assert scored.profiles.record(record.id[:8]) == record
    assert scored.profiles.get(record.id).id == record.id


@pytest.mark.parametrize("ref", ["2", "v9", "ffff", "abc", "", "last"])
def test_an_unknown_profile_says_where_to_look(scored, ref):
    with pytest.raises(NotFoundError, match="icp profile list shows them all"):
        scored.profiles.get(ref)


def test_no_profile_in_force_says_what_to_do(imported):
    assert imported.profiles.active() is None
    with pytest.raises(NotFoundError, match="no profile is in force; run icp learn"):
        imported.profiles.get()


def test_activate_and_roll_back(scored):
    scored.profiles.learn(seed=1)
    assert scored.profiles.activate("v2", reason="newer").active
    back = scored.profiles.rollback(reason="worse")
    assert (back.number, back.active) == (1, True)
    assert scored.events(limit=2)["kind"].to_list() == ["rollback", "activate"]


def test_a_difference_of_profiles_is_listed_largest_first(scored):
    scored.profiles.learn(seed=1)
    assert scored.profiles.diff("v1", "v1").is_empty()
    frame = scored.profiles.diff("v1", "v2")
    assert frame.columns == ["attribute", "cell", "before", "after", "change"]
    known = frame.drop_nulls("change")
    assert (known["after"] - known["before"]).equals(known["change"])
    sizes = known["change"].abs().to_list()
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("options", "key"), [("folds = 1", "folds"), ("wings = 3", "wings")]
)
def test_wrong_settings_are_named(scored, options, key):
    config = scored.path / "icp.toml"
    config.write_text(config.read_text().replace("folds = 2", options))
    with (
        open_workspace(scored.path) as workspace,
        pytest.raises(ConfigError, match=rf"learning\.options\.{key}"),
    ):
        workspace.profiles.learn()


def test_a_cancelled_learning_keeps_nothing(scored):
    def cancel(done, _text):
        if done > 0.2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        scored.profiles.learn(seed=5, progress=cancel)
    assert len(scored.profiles.list()) == 1


def test_money_given_by_a_person_sets_the_grades(scored):
    config = scored.path / "icp.toml"
    money = "\n[economics]\nvalue_of_best = 90\nloss_of_regrettable = 10\n"
    config.write_text(config.read_text() + money)
    with open_workspace(scored.path) as workspace:
        record = workspace.profiles.learn()
        options = workspace.profiles.get(record.version).provenance.options
    assert options["break_even"] == 0.1


LEAKY = """
[outcome.label]
column = "customer_status"
values = { Good = "best", Bad = "regrettable" }

[learning.options]
folds = 2
refits = 10
"""


@pytest.fixture(scope="module")
def leaky_folder(tmp_path_factory):
    """A column that says the outcome under an innocent name."""
    lines = ["Account ID,Industry,Mood,Customer Status"]
    for i in range(80):
        status = "Good" if i % 2 else "Bad"
        mood = "sunny" if i % 2 else "rainy"
        lines.append(f"C{i},{('Retail', 'Mining')[i % 3 == 0]},{mood},{status}")
    folder = tmp_path_factory.mktemp("leaky") / "space"
    file = folder.parent / "customers.csv"
    file.write_text("\n".join([*lines, ""]))
    with create_workspace(folder) as workspace:
        config = folder / "icp.toml"
        config.write_text(config.read_text() + LEAKY)
        workspace.sources.add(file, confirm=True)
        workspace.imports.run()
        workspace.labels.label()
    return folder


@pytest.fixture
def leaky(leaky_folder, tmp_path):
    shutil.copytree(leaky_folder, tmp_path / "space")
    with open_workspace(tmp_path / "space", actor="ann") as workspace:
        yield workspace


def test_a_refused_column_is_learnt_from_once_somebody_answers_for_it(leaky):
    refused = leaky.profiles.get(leaky.profiles.learn().version)
    found = {f.column: f.excluded for f in refused.provenance.findings}
    assert found["mood"] is True
    assert "mood" not in {table.column for table in refused.tables}
    leaky.profiles.accept_column("mood", why="asked on the first call")
    (answer,) = leaky.config.learning.accept
    assert (answer.column, answer.who, answer.why) == (
        "mood",
        "ann",
        "asked on the first call",
    )
    accepted = leaky.profiles.get(leaky.profiles.learn().version)
    assert "mood" in {table.column for table in accepted.tables}
    assert "accept" in leaky.events()["kind"].to_list()


@pytest.mark.parametrize(
    ("column", "why", "error", "message"),
    [
        ("moody", "x", NotFoundError, "no column 'moody'; did you mean 'mood'"),
        ("mood", "  ", PolicyError, "a reason is required to accept 'mood'"),
    ],
)
def test_an_answer_names_a_column_and_a_reason(leaky, column, why, error, message):
    before = (leaky.path / "icp.toml").read_text()
    with pytest.raises(error, match=message):
        leaky.profiles.accept_column(column, why=why)
    assert (leaky.path / "icp.toml").read_text() == before


@pytest.mark.parametrize(("firms", "group"), [(30, "account_name"), (60, None)])
def test_deals_of_one_account_are_kept_together_when_measuring(
    tmp_path, monkeypatch, firms, group
):
    asked = []

    def refuse(_customers, *, group, **_others):
        asked.append(group)
        raise CancelledError("enough seen")

    monkeypatch.setattr("icp.learn.fit_profile", refuse)
    lines = ["Deal ID,Account Name,Product,Stage"]
    for i in range(60):
        stage = "Closed Won" if i % 4 < 2 else "Closed Lost"
        lines.append(f"D{i},Firm {i % firms},P{i % 3},{stage}")
    file = tmp_path / "deals.csv"
    file.write_text("\n".join([*lines, ""]))
    with create_workspace(tmp_path / "space") as workspace:
        workspace.sources.add(file, object="deals", confirm=True)
        workspace.imports.run()
        plan = AssemblyPlan(base="deals", key="deal_id")
        config = workspace.path / "icp.toml"
        config.write_text(set_assembly(config.read_text(), "customers", plan))
    with open_workspace(tmp_path / "space") as workspace:
        assert workspace.imports.run().customers == 60
        workspace.labels.label()
        with pytest.raises(CancelledError):
            workspace.profiles.learn()
    assert asked == [group]


def test_what_outcomes_are_made_from_is_not_learnt_from(imported):
    policy = OutcomePolicy(
        worth=Worth(value="100 - employees"),
        thresholds=Thresholds(best_from=85, regrettable_below=80),
    )
    imported.labels.label(policy)
    record = imported.profiles.learn()
    findings = imported.profiles.get(record.number).provenance.findings
    assert {f.column: f.code for f in findings if f.excluded} == {
        "employees": "outcome"
    }
    assert "employees" not in imported.profiles.get(record.number).columns
