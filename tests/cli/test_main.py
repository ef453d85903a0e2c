import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from icp.cli import app, main, run, screen
from icp.errors import DataWarning, StoreError

DOCS = Path(__file__).parents[2] / "docs" / "command-line.md"


def commands(command=None, names=()):
    """Every command with its words, groups left out."""
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        return [(" ".join(names), command)]
    found = []
    for name, inner in below.items():
        found += commands(inner, (*names, name))
    return found


COMMANDS = commands()


def test_these_are_the_commands():
    assert [name for name, _ in COMMANDS] == [
        "init",
        "status",
        "demo",
        "dashboard",
        "doctor",
        "import",
        "plan",
        "label",
        "learn",
        "score",
        "check",
        "explain",
        "export scores",
        "export customers",
        "export quarantine",
        "export unmatched",
        "source list",
        "source show",
        "source remove",
        "profile list",
        "profile show",
        "profile card",
        "profile diff",
        "profile activate",
        "profile rollback",
        "profile export",
        "rules list",
        "rules try",
        "rules search",
        "rules show",
        "rules activate",
        "rules watch",
        "rules reject",
        "rules retire",
        "rules add-policy",
        "rules allow-exception",
        "deal answer",
        "deal attempt",
        "deal allow-gate",
        "deal leave",
        "deal reopen",
        "deal refer",
        "deal exits",
        "deal waiting",
        "deal lost-reasons",
    ]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_has_help_an_example_and_json(name, command):
    assert command.help
    assert f"Example: icp {name}" in command.help
    assert "--json" in {option for p in command.params for option in p.opts}
    assert all(p.help for p in command.params)


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_and_option_is_documented(name, command):
    text = DOCS.read_text(encoding="utf-8")
    section = text.split(f"\n### icp {name}\n")
    assert len(section) == 2, f"docs/command-line.md lacks '### icp {name}'"
    described = section[1].split("\n### ")[0] + text.split("\n## ")[0]
    for parameter in command.params:
        wanted = parameter.opts[0] if parameter.opts[0][:2] == "--" else None
        if wanted:
            assert f"`{wanted}" in described, f"icp {name} {wanted}"


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_help_works_everywhere(name, command):
    done = CliRunner().invoke(app, [*name.split(), "--help"])
    assert done.exit_code == 0
    assert "Example: icp" in done.stdout


@pytest.mark.parametrize(
    "words",
    [["dance"], ["learn", "--wings"], ["check"], ["demo", "--rows", "0"], []],
)
def test_wrong_use_ends_with_two(words):
    assert CliRunner().invoke(app, words).exit_code == 2


@pytest.mark.parametrize("debug", [False, True])
def test_errors_of_ours_show_a_trace_only_when_asked(cli, monkeypatch, debug):
    def fail(_folder):
        raise StoreError("the store is locked; try again")

    monkeypatch.setattr("icp.cli.setup.open_space", fail)
    monkeypatch.setenv("ICP_DEBUG", "1" if debug else "")
    done = CliRunner().invoke(app, ["doctor", "-w", str(cli.folder)])
    if debug:
        assert isinstance(done.exception, StoreError)
    else:
        assert done.exit_code == 4
        assert done.stderr == "Error: the store is locked; try again\n"


def test_a_keyboard_interrupt_ends_quietly(cli, monkeypatch):
    def interrupt(_folder):
        raise KeyboardInterrupt

    monkeypatch.setattr("icp.cli.setup.open_space", interrupt)
    done = cli("doctor", code=130)
    assert done.stderr == "Stopped; nothing half-done was saved.\n"


def test_an_unexpected_error_ends_without_trace(monkeypatch, capsys):
    def explode():
        raise ValueError("what")

    monkeypatch.setattr(main, "app", explode)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "Unexpected error: ValueError: what\n"
        "Run the command again with ICP_DEBUG=1 and report what it prints.\n"
    )
    monkeypatch.setenv("ICP_DEBUG", "1")
    with pytest.raises(ValueError, match="what"):
        run()


def test_our_warnings_are_notes_and_others_are_not_shown(capsys):
    main._show_warning(DataWarning("column 'x' is empty"), DataWarning, "f", 1)
    main._show_warning("deprecated", DeprecationWarning, "f", 1)
    assert capsys.readouterr().err == "Note: column 'x' is empty\n"
    assert warnings.showwarning is not main._shown


def test_control_characters_do_not_reach_the_terminal(capsys):
    screen.say("a\x1b[31mb\x07c\u202ed\u00a0e")
    screen.table(("n",), [["x\x1b[2Jy"], ["[bold]z[/bold]"]])
    said = capsys.readouterr().out
    assert said.startswith("a[31mbcd\u00a0e\n")
    assert "x[2Jy" in said
    assert "[bold]z[/bold]" in said


def test_numbers_that_json_does_not_know_are_null(capsys):
    screen.emit({"a": float("nan"), "b": float("inf"), "c": 0.5, "d": {1}})
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": None,
        "c": 0.5,
        "d": [1],
    }


def test_progress_is_silent_where_nobody_looks(capsys):
    with screen.progress() as report:
        report(0.5, "half")
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_a_closed_pipe_is_no_error(cli):
    code = "from icp.cli import run; run()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code, "import", "--json", "-w", str(cli.folder)],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert b"Traceback" not in done.stderr
