import pytest

from icp.errors import CancelledError, ConfigError, NotFoundError
from icp.workflow import open_workspace


def test_learning_needs_outcomes(imported):
    with pytest.raises(NotFoundError, match="run icp label"):
        imported.learn()


def test_the_same_data_give_the_same_profile(scored):
    before = scored.events().height
    again = scored.learn()
    assert (again.number, again.id) == (1, scored.active().id)
    assert scored.events().height == before
    assert scored.profile().id == again.id


def test_another_seed_is_another_profile_and_not_in_force(scored):
    record = scored.learn(seed=1)
    assert (record.number, record.active, record.parent) == (2, False, 1)
    assert (record.import_number, record.label_number) == (1, 1)
    assert [p.number for p in scored.profiles()] == [2, 1]
    assert scored.active().number == 1


@pytest.mark.parametrize("ref", ["1", "v1", 1, None])
def test_a_profile_is_called_in_several_ways(scored, ref):
    assert scored.profile_record(ref).number == 1


def test_a_profile_is_called_by_the_start_of_its_id(scored):
    record = scored.active()
    assert scored.profile_record(record.id[:8]) == record
    assert scored.profile(record.id).id == record.id


@pytest.mark.parametrize("ref", ["2", "v9", "ffff", "abc", "", "last"])
def test_an_unknown_profile_says_where_to_look(scored, ref):
    with pytest.raises(NotFoundError, match="icp profile list shows them all"):
        scored.profile(ref)


def test_no_profile_in_force_says_what_to_do(imported):
    assert imported.active() is None
    with pytest.raises(NotFoundError, match="no profile is in force; run icp learn"):
        imported.profile()


def test_activate_and_roll_back(scored):
    scored.learn(seed=1)
    assert scored.activate("v2", reason="newer").active
    back = scored.rollback(reason="worse")
    assert (back.number, back.active) == (1, True)
    assert scored.events(limit=2)["kind"].to_list() == ["rollback", "activate"]


def test_a_difference_of_profiles_is_listed_largest_first(scored):
    scored.learn(seed=1)
    assert scored.diff("v1", "v1").is_empty()
    frame = scored.diff("v1", "v2")
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
        workspace.learn()


def test_a_cancelled_learning_keeps_nothing(scored):
    def cancel(done, _text):
        if done > 0.2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        scored.learn(seed=5, progress=cancel)
    assert len(scored.profiles()) == 1


def test_money_given_by_a_person_sets_the_grades(scored):
    config = scored.path / "icp.toml"
    money = "\n[economics]\nvalue_of_best = 90\nloss_of_regrettable = 10\n"
    config.write_text(config.read_text() + money)
    with open_workspace(scored.path) as workspace:
        record = workspace.learn()
        options = workspace.profile(record.version).provenance.options
    assert options["break_even"] == 0.1
