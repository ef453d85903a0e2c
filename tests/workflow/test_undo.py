import pytest

from icp.errors import CancelledError, ConfigError, NotFoundError
from icp.workflow import create_workspace

DEALS = "Account Name,Stage,Amount\nAlpha,Closed Won,10\nBeta,Closed Lost,20\n"


@pytest.fixture
def empty(tmp_path):
    with create_workspace(tmp_path / "new") as workspace:
        yield workspace


def files(folder):
    """Every file of a workspace but the store's own, with its bytes."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".icp" not in file.parts
    }


def go_wrong(workspace, exports, error):
    before = files(workspace.path)
    with workspace.sources.all_or_nothing():
        for file in exports:
            workspace.sources.add(file, name=file.stem, object="other")
        assert files(workspace.path) != before
        raise error


@pytest.mark.parametrize(
    "error", [ConfigError("no"), CancelledError("stop"), KeyboardInterrupt()]
)
def test_an_error_brings_everything_back(imported, exports, tmp_path, error):
    before, sources = files(imported.path), imported.config.sources
    other = tmp_path / "customers.csv"
    other.write_text("Account ID,Status\nX1,Good\n")
    with pytest.raises(type(error)):
        go_wrong(imported, [other, exports / "prospects.csv"], error)
    assert files(imported.path) == before
    assert imported.config.sources == sources
    assert not list((imported.path / ".icp").glob("before-*"))


def test_without_an_error_everything_stays(empty, exports):
    with empty.sources.all_or_nothing():
        empty.sources.add(exports / "customers.csv", confirm=True)
    assert [source.name for source in empty.config.sources] == ["customers"]
    assert "sources/customers.csv" in files(empty.path)


def test_a_removed_source_leaves_its_mapping(imported):
    imported.sources.remove("prospects")
    assert [source.name for source in imported.config.sources] == ["customers"]
    there = files(imported.path)
    assert "sources/prospects.csv" not in there
    assert "mappings/prospects.json" in there
    again = imported.imports.run()
    assert (again.changed, again.customers, again.prospects) == (True, 90, 0)


def test_a_file_of_the_persons_own_is_not_deleted(empty, exports):
    own = empty.path / "mine.csv"
    own.write_bytes((exports / "customers.csv").read_bytes())
    empty.sources.add(own)
    empty.sources.remove("mine")
    assert own.is_file()
    assert empty.config.sources == ()


def test_an_unknown_source_cannot_be_removed(imported):
    with pytest.raises(ConfigError, match="no source 'prospect' in"):
        imported.sources.remove("prospect")


def test_a_source_that_a_declared_plan_uses_stays(imported):
    imported.accounts.keep_plans()
    before = files(imported.path)
    with pytest.raises(ConfigError, match=r"\[assembly.prospects\] of icp.toml uses"):
        imported.sources.remove("prospects")
    assert files(imported.path) == before


def test_options_are_remembered_for_next_month(empty, tmp_path):
    from icp.ingest.readers import ReadOptions

    file = tmp_path / "list.csv"
    file.write_bytes("Account ID;Ort\n1;Köln\n".encode("cp1252"))
    first = empty.sources.add(file, options=ReadOptions(encoding="cp1252"))
    again = empty.sources.add(file)
    assert (first.encoding, again.encoding) == ("cp1252", "cp1252")
    utf8 = empty.sources.add(file, options=ReadOptions(encoding="latin-1"))
    assert utf8.encoding == "latin-1"


def test_a_word_by_hand_can_be_taken_back(imported):
    by_rule = imported.labels.label().counts
    imported.labels.override("Firm 0", "best", reason="came back")
    assert imported.labels.label().counts["best"] == by_rule["best"] + 1
    imported.labels.withdraw("C0", reason="a mistake")
    assert imported.labels.label().counts == by_rule
    kinds = imported.events()["kind"].to_list()
    assert (kinds.count("override"), kinds.count("withdraw")) == (1, 1)
    assert imported.doctor()[2].state == "ok"


def test_taking_back_what_was_never_said_is_an_error(imported):
    before = imported.events().height
    with pytest.raises(NotFoundError, match="no outcome of 'C1' was set by hand"):
        imported.labels.withdraw("C1")
    assert imported.events().height == before


def test_a_name_that_several_customers_have_is_asked_for_by_id(empty, tmp_path):
    file = tmp_path / "customers.csv"
    rows = ("A,Twin,Churned", "B,twin,Churned", "C,Other,Churned", "D,Else,Active")
    file.write_text("\n".join(["Account ID,Account Name,Status", *rows, ""]))
    empty.sources.add(file)
    empty.imports.run()
    with pytest.raises(
        NotFoundError, match="2 customers are called 'Twin'; ask for one"
    ):
        empty.labels.override("Twin", "best", reason="x")
    with pytest.raises(NotFoundError, match="no customer 'Nobody'; give its full name"):
        empty.labels.override("Nobody", "best", reason="x")
    empty.labels.override("OTHER ", "best", reason="x")
    assert empty.labels.label().counts["best"] == 2
