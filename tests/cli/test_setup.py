import json
import os
import sys
from pathlib import Path

import pytest


def test_init_makes_a_workspace_and_says_what_is_next(cli, tmp_path):
    done = cli("init", str(tmp_path / "new"), "--name", "Ours")
    assert done.stdout == (
        f"Created workspace 'Ours' in {tmp_path / 'new'}.\n"
        "\nNext:\n  Add your customers: icp import FILE\n"
    )
    assert done.stderr == ""
    assert (tmp_path / "new" / "icp.toml").is_file()


def test_init_twice_is_refused(fresh):
    done = fresh("init", str(fresh.folder), code=3)
    assert done.stdout == ""
    assert done.stderr == (
        "Error: 'fresh' already is a workspace; go on with icp import FILE\n"
    )


def test_init_in_json(cli, tmp_path):
    done = cli("init", str(tmp_path / "new"), "--json")
    assert json.loads(done.stdout)["name"] == "new"


def test_a_folder_without_workspace_is_refused(cli, tmp_path):
    done = cli("doctor", "-w", str(tmp_path), code=3)
    assert done.stderr.endswith("it has no icp.toml; run icp init\n")


def test_doctor_finds_all_well(cli):
    assert "unbroken" in cli("doctor").stdout
    checks = json.loads(cli("doctor", "--json").stdout)
    assert {check["state"] for check in checks} == {"ok"}


def test_doctor_fails_with_its_own_exit_code(cli):
    table = next((cli.folder / ".icp" / "bulk").iterdir())
    table.write_bytes(b"")
    done = cli("doctor", code=5)
    assert "FAILED   tables" in done.stdout
    assert done.stderr == "Error: 1 of 7 checks failed; see what to do above\n"
    assert "failed" in cli("doctor", "--json", code=5).stdout


@pytest.fixture
def executed(monkeypatch):
    commands = []
    monkeypatch.setattr(os, "execv", lambda _program, words: commands.append(words))
    return commands


def test_the_dashboard_answers_on_this_computer_only(cli, executed):
    done = cli("dashboard", "--port", "8600", "--no-browser")
    (words,) = executed
    assert words[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert words[4].endswith(str(Path("icp") / "dashboard" / "app.py"))
    assert words[5:] == [
        "--server.address=127.0.0.1",
        "--server.port=8600",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--",
        str(cli.folder),
    ]
    assert "http://127.0.0.1:8600" in done.stderr


def test_the_dashboard_in_json_says_its_address(cli, executed):
    done = cli("dashboard", "--json")
    assert json.loads(done.stdout) == {"address": "http://127.0.0.1:8501"}
    assert "--server.headless=false" in executed[0]


def test_the_dashboard_needs_a_workspace(cli, tmp_path, executed):
    cli("dashboard", "-w", str(tmp_path), code=3)
    assert executed == []


def test_the_demo_leaves_other_workspaces_alone(cli):
    done = cli("demo", str(cli.folder), code=3)
    assert "holds another workspace" in done.stderr
