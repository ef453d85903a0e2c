"""After a failure everything is as it was; what two people write both stays."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from icp.config import PolicyConfig, parse_config
from icp.errors import ConfigError, NotFoundError, PolicyError, StoreError
from icp.ingest.mapping_rules import ColumnMapping
from icp.outcomes import OutcomePolicy
from icp.workflow import Workspace, create_workspace, open_workspace
from icp.workflow.sources import source_name

MISTAKEN = OutcomePolicy.model_validate(
    {"label": {"column": "nope", "values": {"Good": "best", "Bad": "regrettable"}}}
)
CHANGED = "Account ID,Account Name,Industry,Employees\nP2,Beta,Mining,big\n"


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a workspace but the store's own, with its bytes."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".icp" not in file.parts
    }


def kinds(space: Workspace) -> list[str]:
    events: list[str] = space.events(limit=1000)["kind"].to_list()
    return events


def test_a_policy_that_does_not_work_is_not_written_down(imported: Workspace) -> None:
    before, events = files(imported.path), kinds(imported)
    with pytest.raises(PolicyError, match="unknown label column: 'nope'"):
        imported.labels.label(MISTAKEN)
    assert files(imported.path) == before
    assert kinds(imported) == events
    assert imported.labels.label().counts["best"] == 44


def test_a_mistake_in_the_reasons_is_told_before_an_import_is_kept(
    imported: Workspace,
) -> None:
    table = imported.path / "sources" / "customers.csv"
    table.write_text(table.read_text() + "C90,Firm 90,Retail,9,f.example,Good\n")
    (imported.path / "reasons.toml").write_text("[reasons.x]\n")
    before = kinds(imported)
    with pytest.raises(ConfigError, match=r"reasons\.toml: x\.title: is missing"):
        imported.imports.run()
    assert kinds(imported) == before
    (imported.path / "reasons.toml").unlink()
    assert imported.imports.run().customers == 91


def test_an_import_whose_columns_changed_their_kind_is_kept_whole(
    scored: Workspace, tmp_path: Path
) -> None:
    assert scored.deals.leave("P2").exit.account_id == "P2"
    export = tmp_path / "prospects.csv"
    export.write_text(CHANGED)
    seen = scored.sources.preview(export, name="prospects")
    mapping = seen.mapping.replace("Employees", kind="category")
    with scored.sources.all_or_nothing():
        scored.sources.add(
            export, name="prospects", object="prospects", mapping=mapping
        )
        assert scored.imports.run().prospects == 1
    assert scored.accounts.schema("prospects")["employees"].kind.value == "category"
    assert scored.deals.awake() == []
    assert [kept.exit.account_id for kept in scored.deals.exits()] == ["P2"]


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "-x", "a\nb", "ü"])
def test_a_name_that_leads_elsewhere_writes_nothing(
    imported: Workspace, tmp_path: Path, name: str
) -> None:
    export = tmp_path / "other.csv"
    export.write_text("Account ID,Status\nX1,Good\n")
    before, above = files(imported.path), sorted(tmp_path.iterdir())
    mapping = imported.sources.preview(export).mapping
    with pytest.raises(ConfigError, match=r"^no source can be called"):
        imported.sources.preview(export, name=name)
    with pytest.raises(ConfigError, match=r"^no source can be called"):
        imported.sources.add(export, name=name, object="other", mapping=mapping)
    assert files(imported.path) == before
    assert sorted(tmp_path.iterdir()) == above


def test_a_file_that_two_sources_read_goes_with_the_last_of_them(
    imported: Workspace,
) -> None:
    shared = imported.path / "sources" / "customers.csv"
    imported.sources.add(shared, name="again", object="other")
    imported.sources.remove("again")
    assert shared.is_file()
    imported.sources.remove("customers")
    assert not shared.exists()


def test_a_mapping_kept_elsewhere_is_brought_back_too(imported: Workspace) -> None:
    config = imported.path / "icp.toml"
    moved = imported.path / "agreed.json"
    (imported.path / "mappings" / "customers.json").rename(moved)
    config.write_text(
        config.read_text().replace(
            'name = "customers"\n', 'name = "customers"\nmapping = "agreed.json"\n'
        )
    )
    imported._session.reload()
    before = files(imported.path)
    mapping = imported.sources.mapping("customers").replace("Industry", role="ignored")

    def save_and_fail() -> None:
        with imported.sources.all_or_nothing():
            imported.sources.save_mapping(mapping)
            assert files(imported.path) != before
            raise NotFoundError("stop")

    with pytest.raises(NotFoundError, match="stop"):
        save_and_fail()
    assert files(imported.path) == before


def test_several_columns_are_accepted_together_or_not_at_all(
    imported: Workspace,
) -> None:
    before, events = files(imported.path), kinds(imported)
    with pytest.raises(NotFoundError, match="no column 'nope'"):
        imported.profiles.accept_column("industry", "nope", why="asked")
    with pytest.raises(PolicyError, match="a reason is required to accept 'industry'"):
        imported.profiles.accept_column("industry", "employees", why=" ")
    assert files(imported.path) == before
    assert kinds(imported) == events
    imported.profiles.accept_column("industry", "employees", why="asked")
    said = [(a.column, a.who, a.why) for a in imported.config.learning.accept]
    assert said == [("industry", "ann", "asked"), ("employees", "ann", "asked")]
    log = imported.events(limit=2)
    assert log["kind"].to_list() == ["accept", "accept"]
    assert log["subject"].to_list() == ["employees", "industry"]


def test_a_settings_file_that_cannot_be_edited_stays_as_it_is(
    imported: Workspace,
) -> None:
    config = imported.path / "icp.toml"
    config.write_text("[workspace\n")
    with pytest.raises(ConfigError, match=r"icp.toml cannot be changed as it is"):
        imported.rules.add_policy("industry = 'Mining'", why="no")
    assert config.read_text() == "[workspace\n"
    assert sorted(p.name for p in imported.path.glob(".*.tmp")) == []
    assert "policy_rule" not in kinds(imported)


def test_two_people_who_change_the_settings_at_once_both_stay(
    imported: Workspace,
) -> None:
    """The second writer comes while the first is in the middle of its change."""
    begun = threading.Event()

    def second() -> None:
        with open_workspace(imported.path, actor="bob") as other:
            begun.set()
            other.rules.add_policy("industry = 'Mining'", why="bob says so")

    thread = threading.Thread(target=second)

    def first(text: str) -> str:
        thread.start()
        assert begun.wait(60)
        thread.join(1.0)  # without a lock it would be done by now, and then lost
        return text + "\n[economics]\ncost_to_pursue = 7\n"

    imported._session.rewrite(first)
    thread.join(60)
    assert not thread.is_alive()
    kept = parse_config((imported.path / "icp.toml").read_text())
    assert kept.economics.cost_to_pursue == 7
    assert [policy.who for policy in kept.policy] == ["bob"]


@pytest.mark.parametrize("name", ["a?b", "50%20", "a#b", "a[1]*", "ä 客户"])
def test_a_workspace_may_lie_anywhere(tmp_path: Path, name: str, exports: Path) -> None:
    with create_workspace(tmp_path / name) as space:
        space.sources.add(exports / "customers.csv", confirm=True)
        assert space.imports.run().customers == 90
        assert [check.state for check in space.doctor()] == ["ok"] * 7
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / ".icp" / "icp.db").is_file()


def test_a_file_is_no_place_for_a_workspace(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("kept")
    with pytest.raises(ConfigError, match=r"'list.csv' is a file; name a folder"):
        create_workspace(file)
    assert file.read_text() == "kept"


def test_a_mapping_of_an_impossible_source_is_not_written(imported: Workspace) -> None:
    before = files(imported.path)
    given: dict[str, Any] = imported.sources.mapping("customers").model_dump()
    stray = ColumnMapping.model_validate({**given, "source": "../stray"})
    with pytest.raises(ConfigError, match=r"no source can be called '../stray'"):
        imported.sources.save_mapping(stray)
    assert files(imported.path) == before
    assert not (imported.path / "stray.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_private_settings_stay_private(imported: Workspace) -> None:
    config = imported.path / "icp.toml"
    config.chmod(0o600)
    imported.rules.add_policy("industry = 'Mining'", why="no")
    assert config.stat().st_mode & 0o777 == 0o600


def test_a_policy_of_the_settings_is_one_of_its_kind(imported: Workspace) -> None:
    imported.rules.add_policy("industry = 'Mining'", why="one")
    imported.rules.add_policy("industry  =  'Mining'", why="two", title="Mines")
    said = imported.config.policy
    assert [(type(p), p.why, p.title) for p in said] == [(PolicyConfig, "two", "Mines")]


def test_a_workspace_whose_store_cannot_be_opened_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "space"
    monkeypatch.setenv("ICP_STORE", f"sqlite:///{tmp_path / 'no' / 'folder.db'}")
    with pytest.raises(StoreError):
        create_workspace(folder)
    assert not (folder / "icp.toml").exists()
    monkeypatch.delenv("ICP_STORE")
    create_workspace(folder).close()
    assert (folder / "icp.toml").exists()


def test_files_named_in_another_script_do_not_replace_each_other(
    tmp_path: Path,
) -> None:
    with create_workspace(tmp_path / "space") as space:
        for stem in ("\u5ba2\u6237", "\u8ba2\u5355", "\u5ba2\u6237"):
            file = tmp_path / f"{stem}.csv"
            file.write_text(CHANGED, encoding="utf-8")
            space.sources.add(file, object="other")
        names = [source.name for source in space.config.sources]
        kept = sorted((space.path / "sources").iterdir())
    assert len(set(names)) == len(names) == len(kept) == 2


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("K\u00fcndigungen", "K_ndigungen"),
        ("Ku\u0308ndigungen", "K_ndigungen"),
        ("Stra\u00dfen 2026", "Stra_en_2026"),
        ("(1)", "1"),
        ("...", "source"),
        ("\u00a7", "source"),
    ],
)
def test_files_in_latin_letters_keep_short_names(stem: str, name: str) -> None:
    assert source_name(Path(f"{stem}.csv")) == name
