"""A look over a damaged workspace ends with findings, whatever is wrong."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from icp.workflow import Check, Workspace

RESTORE = "restore the workspace's .icp folder from a backup"


def damage(space: Workspace, *statements: str) -> None:
    """Change the store behind the program's back."""
    with closing(sqlite3.connect(space.path / ".icp" / "icp.db")) as store:
        triggers = store.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
        for (name,) in triggers.fetchall():
            store.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            store.execute(statement)
        store.commit()


def failed(space: Workspace) -> list[Check]:
    return [check for check in space.doctor() if check.state != "ok"]


@pytest.mark.parametrize(
    ("statement", "name", "message"),
    [
        (
            "UPDATE events SET at = 'noon' WHERE seq = 2",
            "events",
            "cannot be read (ValueError)",
        ),
        (
            "UPDATE meta SET value = 'x' WHERE name = 'event_chain'",
            "events",
            "the head of the log is damaged; restore the store from a backup",
        ),
        (
            "UPDATE profiles SET document = '{'",
            "profiles",
            "changed after they were learnt: v1",
        ),
        (
            "UPDATE profiles SET document = replace(document, 'Retail', 'Retaix')",
            "profiles",
            "changed after they were learnt: v1",
        ),
        (
            "UPDATE profiles SET created_at = 'noon'",
            "profiles",
            "cannot be read (ValueError)",
        ),
        (
            "UPDATE score_runs SET profile = 99",
            "database",
            "1 references lead nowhere",
        ),
    ],
)
def test_a_damaged_store_fails_the_check_it_is_about(
    scored: Workspace, statement: str, name: str, message: str
) -> None:
    damage(scored, statement)
    found = failed(scored)
    assert [(c.name, c.state, c.message, c.action) for c in found] == [
        (name, "failed", message, RESTORE)
    ]
    assert len(scored.doctor()) == 7


def test_a_job_row_that_cannot_be_read_fails_its_check(scored: Workspace) -> None:
    scored.jobs.queue.add("label", {}, actor="ann", role="admin")
    damage(scored, "UPDATE jobs SET created_at = 'noon'")
    assert [(c.name, c.state) for c in failed(scored)] == [("jobs", "failed")]


def test_every_table_that_is_gone_is_named(scored: Workspace) -> None:
    kept = [file.stem[:12] for file in (scored.path / ".icp" / "bulk").iterdir()]
    shutil.rmtree(scored.path / ".icp" / "bulk")
    found = failed(scored)
    assert {check.name for check in found} == {"tables"}
    said = sorted(check.message for check in found)
    assert said == sorted(f"stored table {name} is missing" for name in kept)


def test_a_variable_that_is_not_set_is_no_damage_of_the_store(
    scored: Workspace,
) -> None:
    config = scored.path / "icp.toml"
    text = config.read_text().replace('"sources/', '"${ICP_NOT_SET}/')
    config.write_text(text)
    scored._session.reload()
    found = [(c.name, c.state, c.message, c.action) for c in failed(scored)]
    message = "1 environment variable: 'ICP_NOT_SET' not set; set it first"
    assert found == [("sources", "failed", message, "")]


def test_a_file_that_is_gone_is_a_warning(scored: Workspace) -> None:
    (scored.path / "sources" / "prospects.csv").unlink()
    found = [(c.name, c.state, c.message) for c in failed(scored)]
    assert found == [("sources", "warning", "files not found: prospects")]
