"""What a role may not do, a command refuses in words; nothing is changed then."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ROLES = '\n[roles]\neve = "admin"\nann = "{role}"\n'
RULE = "industry = 'Mining'"


def everything(folder: Path) -> dict[str, str]:
    """Every file of a workspace with its hash."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(
            file.read_bytes()
        ).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(("-wal", "-shm", "-journal"))
    }


@pytest.mark.parametrize(
    ("role", "needed", "words"),
    [
        ("viewer", "rep", ["check", "P1"]),
        ("viewer", "rep", ["explain", "P1"]),
        ("viewer", "rep", ["deal", "answer", "P1", "reason:no_need", "yes"]),
        ("viewer", "rep", ["deal", "attempt", "P1", "no_need", "stop"]),
        ("viewer", "rep", ["deal", "leave", "P2"]),
        ("viewer", "rep", ["deal", "reopen", "P2", "--reason", "x"]),
        ("viewer", "rep", ["deal", "refer", "P2"]),
        (
            "viewer",
            "rep",
            [
                "deal",
                "allow-gate",
                "P2",
                "ethics",
                "--approver",
                "eve",
                "--reason",
                "x",
            ],
        ),
        ("viewer", "rep", ["rules", "allow-exception", "abc", "P2", "--reason", "x"]),
        ("rep", "analyst", ["import"]),
        ("rep", "analyst", ["import", "new.csv", "--yes"]),
        ("rep", "analyst", ["import", "--set", "A:kind=text", "--name", "customers"]),
        ("rep", "analyst", ["plan", "--write"]),
        ("rep", "analyst", ["source", "remove", "customers", "--yes"]),
        ("rep", "analyst", ["label"]),
        ("rep", "analyst", ["label", "--propose"]),
        ("rep", "analyst", ["label", "--account", "C0", "--undo"]),
        (
            "rep",
            "analyst",
            ["label", "--account", "C0", "--outcome", "best", "--reason", "x"],
        ),
        ("rep", "analyst", ["learn", "--json"]),
        ("rep", "analyst", ["learn", "--accept", "industry", "--reason", "x"]),
        ("rep", "analyst", ["score"]),
        ("rep", "analyst", ["score", "new.csv", "--out", "scored.csv"]),
        ("rep", "analyst", ["profile", "activate", "v1"]),
        ("rep", "analyst", ["profile", "rollback"]),
        ("rep", "analyst", ["rules", "search"]),
        ("rep", "analyst", ["rules", "try", RULE]),
        ("rep", "analyst", ["rules", "add-policy", RULE, "--reason", "x"]),
    ],
)
def test_a_command_above_ones_role_is_refused(
    cli: Any,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    needed: str,
    words: list[str],
) -> None:
    config = cli.folder / "icp.toml"
    config.write_text(config.read_text() + ROLES.format(role=role))
    monkeypatch.chdir(cli.folder)
    (cli.folder / "new.csv").write_text("Account ID,Industry\nX,Mining\n")
    before = everything(cli.folder)
    done = cli(*words, code=3)
    assert done.stderr == (
        f"Error: 'ann' is {role} here and this needs {needed}; ask an admin to change "
        "[roles] in icp.toml\n"
    )
    assert done.stdout == ""
    assert everything(cli.folder) == before


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "doctor",
        "plan",
        "label --preview",
        "source list",
        "source show customers",
        "profile list",
        "profile show",
        "profile card",
        "profile diff v1 v1",
        "profile export -",
        "rules list",
        "deal exits",
        "deal waiting",
        "deal lost-reasons",
        "export scores seen.csv",
        "export customers seen.csv",
        "export quarantine seen.csv",
        "export unmatched seen.csv",
    ],
)
def test_who_may_only_look_may_see_everything_and_changes_nothing(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    config = cli.folder / "icp.toml"
    config.write_text(config.read_text() + ROLES.format(role="viewer"))
    monkeypatch.chdir(tmp_path)
    before = everything(cli.folder)
    cli(*words.split())
    assert everything(cli.folder) == before
