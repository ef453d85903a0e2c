import pytest

from icp.errors import ConfigError, StoreError
from icp.workflow import create_workspace, open_workspace


def test_a_new_workspace_is_a_folder_with_three_things(tmp_path):
    with create_workspace(tmp_path / "new", name="Ours") as workspace:
        state = workspace.status()
    assert {file.name for file in (tmp_path / "new").iterdir()} == {
        ".gitignore",
        ".icp",
        "icp.toml",
    }
    assert (state.name, state.role) == ("Ours", "admin")
    assert state.next_steps[0] == "Add your customers: icp import FILE"
    assert ".icp/" in (tmp_path / "new" / ".gitignore").read_text()


def test_a_folder_with_files_can_become_one(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    create_workspace(tmp_path).close()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_workspace_is_not_made_twice(tmp_path):
    create_workspace(tmp_path).close()
    with pytest.raises(ConfigError, match="already is a workspace; go on with"):
        create_workspace(tmp_path)


def test_a_folder_without_workspace_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"it has no icp\.toml; run icp init"):
        open_workspace(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_file_may_be_named(imported):
    with open_workspace(imported.path / "icp.toml") as workspace:
        assert workspace.path == imported.path
        assert workspace.config == imported.config


def test_the_store_may_be_elsewhere(imported, tmp_path, monkeypatch):
    monkeypatch.setenv("ICP_STORE", f"sqlite:///{tmp_path / 'other.db'}")
    with open_workspace(imported.path) as workspace:
        assert workspace.imports.last() is None
    monkeypatch.setenv("ICP_STORE", f"sqlite:///{tmp_path / 'no' / 'folder.db'}")
    with pytest.raises(StoreError):
        open_workspace(imported.path)


@pytest.mark.postgres
def test_a_whole_run_on_a_server(
    postgres, exports, outcome_rules, tmp_path, monkeypatch
):
    monkeypatch.setenv("ICP_STORE", postgres.database())
    with create_workspace(tmp_path / "new") as workspace:
        config = workspace.path / "icp.toml"
        config.write_text(config.read_text() + outcome_rules)
        workspace.sources.add(exports / "customers.csv", confirm=True)
        workspace.sources.add(
            exports / "prospects.csv", object="prospects", confirm=True
        )
    with open_workspace(tmp_path / "new") as workspace:
        workspace.imports.run()
        workspace.labels.label()
        workspace.profiles.learn()
        workspace.profiles.activate("v1")
        workspace.scores.run()
        assert set(states(workspace).values()) == {"ok"}
        assert workspace.status().last_run.rows == 4
    assert not (tmp_path / "new" / ".icp" / "icp.db").exists()


@pytest.mark.parametrize(
    ("fixture", "step"),
    [
        ("imported", "Say which customers were best and which regrettable: icp label"),
        ("scored", "Open the dashboard: icp dashboard"),
    ],
)
def test_status_says_what_to_do_next(fixture, step, request):
    state = request.getfixturevalue(fixture).status()
    assert state.next_steps == (step,)


def test_status_gathers_the_newest_of_everything(scored):
    state = scored.status()
    assert [source.name for source in state.sources] == ["customers", "prospects"]
    assert (state.last_import.customers, state.last_import.prospects) == (90, 4)
    assert state.labels == {"best": 44, "neutral": 0, "regrettable": 46, "unknown": 0}
    assert (state.profiles, state.active.number, state.active.active) == (1, 1, True)
    assert (state.last_run.rows, state.last_run.profile) == (4, 1)


def test_after_labelling_comes_learning_then_activating_then_scoring(imported):
    imported.labels.label()
    assert imported.status().next_steps == (
        "Learn a profile from the newest outcomes: icp learn",
    )
    imported.profiles.learn()
    assert imported.status().next_steps[0].endswith("icp profile activate v1")
    imported.profiles.activate("v1")
    assert imported.status().next_steps == ("Score the prospects: icp score",)


def test_without_prospects_they_are_asked_for(exports, tmp_path):
    with create_workspace(tmp_path / "new") as workspace:
        workspace.sources.add(exports / "customers.csv", confirm=True)
        assert workspace.status().next_steps == ("Import the sources: icp import",)
        workspace.imports.run()
    assert workspace.status().next_steps[0].endswith("icp label")


def test_every_step_is_an_event_with_its_author(scored):
    kinds = scored.events()["kind"].to_list()
    assert kinds == [
        "score",
        "activate",
        "learn",
        "label",
        "import",
        "mapping_saved",
        "mapping_saved",
    ]
    assert scored.events(limit=1)["actor"].to_list() == ["ann"]


def states(workspace):
    return {check.name: check.state for check in workspace.doctor()}


def test_doctor_finds_a_sound_workspace_sound(scored):
    assert set(states(scored).values()) == {"ok"}


def test_doctor_finds_a_changed_table(scored):
    table = next((scored.path / ".icp" / "bulk").iterdir())
    table.write_bytes(table.read_bytes()[:-1])
    found = [check for check in scored.doctor() if check.state == "failed"]
    assert [check.name for check in found] == ["tables"]
    assert found[0].action.endswith("from a backup")


def test_doctor_finds_a_missing_export(scored):
    (scored.path / "sources" / "prospects.csv").unlink()
    assert states(scored)["sources"] == "warning"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE profiles SET document = replace(document, 'Mining', 'x')", "profiles"),
        ("UPDATE profiles SET document = 'x'", "profiles"),
        ("UPDATE meta SET value = '0:0'", "events"),
        ("DELETE FROM profiles", "database"),
    ],
)
def test_doctor_finds_a_changed_row(scored, statement, name):
    import sqlite3

    connection = sqlite3.connect(scored.path / ".icp" / "icp.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert states(scored)[name] == "failed"


def test_doctor_finds_lost_jobs(imported, clock):
    imported.jobs.queue.add("import", {}, actor="ann", role="admin")
    clock.pass_time(minutes=1)
    assert states(imported)["jobs"] == "warning"
