"""What a command says, and how it ends, where it cannot do what was asked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from icp.cli import app, screen
from icp.cli.main import _os_message

if TYPE_CHECKING:
    from pathlib import Path

UNICODE = "Tïny 客户 😀"


def everything(folder: Path) -> dict[str, bytes]:
    """Every file but the store's own, with its bytes."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".icp" not in file.parts
    }


def events(cli: Any) -> int:
    """How many things were logged."""
    checks = json.loads(cli("doctor", "--json").stdout)
    return int(next(c for c in checks if c["name"] == "events")["message"].split()[0])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("import --as deals", 3, "these options say how FILE is read; name the file"),
        ("import --sheet Accounts", 3, "these options say how FILE is read; name"),
        ("import --encoding cp1252", 3, "these options say how FILE is read; name"),
        ("import --delimiter ;", 3, "these options say how FILE is read; name the"),
        ("import --header-line 2", 3, "these options say how FILE is read; name"),
        ("import --no-header", 3, "these options say how FILE is read; name the file"),
        ("import --name customers", 3, "these options say how FILE is read; name"),
        ("import --set Industry", 3, "--set 'Industry' is not COLUMN:FIELD=VALUE"),
        ("import --set A:shape=x", 3, "no field 'shape'; use date_order, decimal"),
        ("import --set Industry:kind=text --name x", 3, "no source 'x' in icp.toml"),
        ("import a/x.csv b/x.csv", 3, "several files would be source 'x'; import them"),
        ("import a.csv b.csv --name c", 3, "--name is for one file; import several"),
        ("import none.csv --yes", 3, "none.csv: does not exist; check the path"),
        ("import none.csv --name ../x -y", 3, "no source can be called '../x'; use"),
        ("label --reason because", 3, "--reason is for an outcome set by hand"),
        ("label --preview --reason because", 3, "--reason is for an outcome set"),
        ("label --account C0", 3, "--account needs --outcome and --reason"),
        ("label --outcome best", 3, "--account needs --outcome and --reason"),
        ("label --undo", 3, "--account needs --outcome and --reason, or --undo"),
        (
            "label --account C0 --outcome best",
            3,
            "a reason is required to set an outcome",
        ),
        ("label --account C0 --undo", 4, "no outcome of 'C0' was set by hand"),
        ("label --account C0 --outcome great", 2, "'great' is not one of"),
        ("learn --reason because", 3, "--reason explains --accept; use both"),
        (
            "learn --accept industry",
            3,
            "a reason is required to accept 'industry'; say",
        ),
        ("learn --accept industry --accept no --reason x", 4, "no column 'no'; it has"),
        ("score x.csv", 3, "to score a file, use FILE and --out; --parts is for"),
        ("score --out x.csv", 3, "to score a file, use FILE and --out; --parts"),
        ("score --parts", 3, "to score a file, use FILE and --out; --parts is for"),
        ("score --profile v9", 4, "no profiles are called 'v9'; icp profile list"),
        ("check P1 --profile 0", 4, "no profiles are called '0'; icp profile list"),
        ("check P1 --invested -1", 2, "Invalid value for '--invested'"),
        ("check P1 --invested nan", 2, "Invalid value for '--invested'"),
        ("check nobody", 4, "no prospect or customer 'nobody'; give its full name"),
        ("explain nobody", 4, "no prospect or customer 'nobody'; give its full"),
        ("deal answer P1 attribute:employees nan", 3, "'employees' needs a number"),
        ("deal answer P1 attribute:employees 1e999", 3, "'employees' needs a number"),
        ("deal answer P1 attribute:employees ten", 3, "'employees' needs a number"),
        ("deal answer P1 attribute:industri x", 3, "did you mean 'industry'?"),
        ("deal answer P1 reason:no_budgt no", 3, "did you mean 'no_budget'?"),
        ("deal answer P1 reason:no_budget maybe", 3, "answered yes or no, not 'maybe'"),
        ("deal answer P1 dance yes", 3, "no question 'dance'; use reason:<code> or"),
        ("deal attempt P1 no_budget dance", 3, "'no_budget' has no step 'dance'"),
        ("deal reopen P1 --reason x", 4, "'P1' was not left; there is nothing to"),
        ("deal leave P1", 3, "the verdict is 'pursue'; there is nothing to leave"),
        ("deal exits --count 3", 2, "No such option: --count"),
        ("deal waiting --count 0", 2, "Invalid value for '--count'"),
        ("export scores none/x.csv", 3, "no folder for 'x.csv'; make the folder"),
        ("export scores .", 3, "end the name with .csv or .parquet"),
        ("export scores x.csv --run 9", 4, "no scored list '9'; run icp score"),
        ("export quarantine x.csv --source deals", 3, "no source 'deals' in icp.toml"),
        ("export customers x.xlsx", 3, "cannot write '.xlsx'; end the name with"),
        ("export unmatched x", 3, "cannot write 'a file without ending'; end the"),
        ("profile card -o none/x.md", 3, "no folder for 'x.md'; make the folder"),
        ("profile card -o .", 3, "is a folder; name a file in it"),
        ("profile export none/x.json", 3, "no folder for 'x.json'; make the folder"),
        ("profile export x.json --profile v9", 4, "no profiles are called 'v9'"),
        ("profile diff v1 abcd", 4, "no profiles are called 'abcd'; icp profile"),
        ("profile rollback", 4, "no earlier profile was in force; activate one by"),
        ("rules list --state activ", 3, "no state 'activ'; did you mean 'active'?"),
        ("rules show nope", 4, "no rule is called 'nope'; icp rules list shows"),
        ("rules add-policy a='x' --reason x", 3, "no account has the column 'a'; it "),
        (
            "rules add-policy industry='x' --reason x --code ehtics",
            3,
            "you mean 'ethics'?",
        ),
        (
            "rules add-policy industry='x' --reason x --review-on 2026-13-01",
            2,
            "2026-13-01",
        ),
        ("rules try industry=", 3, "cannot read the rule at"),
        ("source show deals", 3, "no source 'deals' in icp.toml; it has 2 names"),
        ("source remove deals --yes", 3, "no source 'deals' in icp.toml; it has 2"),
        ("init none.csv/space", 3, "'space': Not a directory; check the folder"),
        ("init none.csv", 3, "'none.csv' is a file; name a folder for the"),
        ("demo none.csv", 3, "'sources': Not a directory; check the folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    cli: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if words.startswith(("init", "demo")):
        (tmp_path / "none.csv").write_text("kept")
    before, logged = everything(tmp_path), events(cli)
    done = cli(*words.split(), code=code)
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert "Unexpected" not in done.output
    assert done.stderr.count("Error: ") == 1
    assert done.stdout == ""
    assert everything(tmp_path) == before
    assert events(cli) == logged


def test_where_nothing_is_imported_an_answer_names_what_is_missing(fresh: Any) -> None:
    done = fresh("import", "--set", "Industry:kind=text", code=3)
    assert done.stderr == (
        "Error: --set changes how a source is read, but there is none; name a FILE\n"
    )


@pytest.mark.parametrize("approver", ["", " ", "ann", "ann ", "\tann"])
def test_nobody_approves_for_himself(cli: Any, approver: str) -> None:
    cli("rules", "add-policy", "industry = 'Mining'", "--reason", "no")
    rule = json.loads(cli("rules", "list", "--json").stdout)[0]["id"]
    logged = events(cli)
    words = ("P2", "--reason", "x", "--approver", approver)
    done = cli("rules", "allow-exception", rule, *words, code=3)
    assert "is policy; name somebody else who approves the exception" in done.stderr
    gate = ("P2", "ethics", "--reason", "x", "--approver", approver)
    done = cli("deal", "allow-gate", *gate, code=3)
    assert "'ethics' is a gate; name somebody else who approves" in done.stderr
    assert events(cli) == logged


def test_who_approves_is_kept_without_blanks(cli: Any) -> None:
    cli("rules", "add-policy", "industry = 'Mining'", "--reason", "no")
    rule = json.loads(cli("rules", "list", "--json").stdout)[0]["id"]
    words = ("P2", "--reason", "x", "--approver", " eve ", "--json")
    assert (
        json.loads(cli("rules", "allow-exception", rule, *words).stdout)["approver"]
        == "eve"
    )


@pytest.mark.parametrize(
    ("came", "kept"),
    [("alpha", "P1"), ("P4", "P4"), ("Not yet there", "Not yet there")],
)
def test_who_came_of_a_referral_is_kept_by_id(cli: Any, came: str, kept: str) -> None:
    done = cli("deal", "refer", "Beta", "--led-to", came, "--json")
    found = [(r["account_id"], r["came"]) for r in json.loads(done.stdout)]
    assert found == [("P2", kept)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            PermissionError(13, "Permission denied", "/secret/place/x.csv"),
            "'x.csv': Permission denied; check the folder, your rights there and "
            "the disk space",
        ),
        (
            IsADirectoryError(21, "Is a directory", "a.tmp", None, "/place/x.csv"),
            "'x.csv': Is a directory; check the folder, your rights there and the "
            "disk space",
        ),
        (
            OSError("no space left"),
            "no space left; check the folder, your rights there and the disk space",
        ),
    ],
)
def test_what_the_computer_refuses_is_said_in_words(error: OSError, said: str) -> None:
    assert _os_message(error) == said


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_refusal_of_the_computer_ends_with_three(
    cli: Any, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    def full(_folder: Path) -> None:
        raise OSError(28, "No space left on device", "icp.db")

    monkeypatch.setattr("icp.cli.setup.open_space", full)
    monkeypatch.setenv("ICP_DEBUG", debug)
    done = CliRunner().invoke(app, ["status", "-w", str(cli.folder)])
    if debug:
        assert isinstance(done.exception, OSError)
    else:
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.startswith("Error: 'icp.db': No space left on device; check")


class Screen(io.StringIO):
    """A terminal, as far as one can tell."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["x[/red].csv", "[bold]x.csv", "a\x1b[2Jb.csv"])
def test_progress_shows_a_name_as_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shown = Screen()
    monkeypatch.setattr(sys, "stderr", shown)
    with screen.progress() as report:
        report(0.1, f"reading {name}")
    assert f"reading {name}".replace("\x1b", "") in shown.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_screen_without_a_sign_ends_no_command(cli: Any, encoding: str) -> None:
    config = cli.folder / "icp.toml"
    config.write_text(config.read_text("utf-8").replace("Tiny", UNICODE), "utf-8")
    code = "from icp.cli import run; run()"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for words in (["status"], ["status", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "-w", str(cli.folder)],
            capture_output=True,
            env=environment,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode(encoding))["name"] == UNICODE
