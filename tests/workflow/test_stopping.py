import pytest

from icp.errors import CancelledError
from icp.workflow import open_workspace

DATED = '\n[learning]\ndate = "signed"\n'


@pytest.fixture
def dated(imported):
    """Customers with a date each, labelled and not learnt from yet."""
    table = imported.path / "sources" / "customers.csv"
    head, *rows = table.read_text().splitlines()
    signed = [
        f"{row},2024-{1 + i // 8:02}-{1 + i % 28:02}" for i, row in enumerate(rows)
    ]
    table.write_text("\n".join([f"{head},Signed", *signed]) + "\n")
    (imported.path / "mappings" / "customers.json").unlink()
    config = imported.path / "icp.toml"
    config.write_text(
        config.read_text().replace(
            "[learning.options]", DATED.strip() + "\n\n[learning.options]"
        )
    )
    with open_workspace(imported.path, actor="ann") as workspace:
        workspace.imports.run()
        workspace.labels.label()
        yield workspace


def phrases(workspace):
    """Every phrase of learning in order, and the profile that came of it."""
    told = []
    record = workspace.profiles.learn(
        progress=lambda _share, phrase: told.append(phrase)
    )
    return list(dict.fromkeys(told)), record


def kept(workspace):
    files = [p for p in workspace.path.rglob("*") if p.is_file()]
    stored = [p for p in files if p.suffix not in {".db-wal", ".db-shm"}]
    return (
        sorted(p.name for p in stored),
        [record.id for record in workspace.profiles.list()],
        workspace.events()["seq"].to_list(),
    )


@pytest.mark.parametrize("stop", [CancelledError("stopped"), KeyboardInterrupt()])
def test_learning_stopped_at_any_step_keeps_nothing(dated, stop):
    before = kept(dated)
    told, record = [], None
    for step in range(20):

        def until(_share, phrase, *, step=step):
            if phrase not in told:
                told.append(phrase)
            if told.index(phrase) >= step:
                raise stop

        try:
            record = dated.profiles.learn(progress=until)
        except type(stop):
            assert kept(dated) == before
        else:
            break
    assert record is not None
    assert len(told) >= 5
    assert dated.profiles.list()[0].id == record.id


def test_drift_is_checked_on_the_way(dated):
    told, record = phrases(dated)
    assert told[:2] == ["reading the customers", "checking the columns"]
    notes = dated.profiles.get(record.version).provenance.notes
    assert any("for drift" in note for note in notes)


def test_learning_after_a_stop_gives_the_same_profile(dated):
    def stop(share, _phrase):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dated.profiles.learn(progress=stop)
    _, record = phrases(dated)
    again = dated.profiles.learn()
    assert again.id == record.id
    assert not [check for check in dated.doctor() if check.state == "failed"]
