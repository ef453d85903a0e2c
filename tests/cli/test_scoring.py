import json

import polars as pl
import pytest


def test_score_lists_grades_and_the_best(cli):
    done = cli("score")
    assert done.stdout.startswith(
        "6 prospects with profile v1: 5 scored, 1 cannot be scored "
    )
    assert "Alpha" in done.stdout
    assert done.stdout.endswith("Next:\n  Open the dashboard: icp dashboard\n")
    run = json.loads(cli("score", "--profile", "v1", "--json").stdout)
    assert (run["number"], run["rows"], run["evaluable"]) == (3, 6, 5)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_is_scored_into_a_file(cli, exports, tmp_path, ending):
    target = tmp_path / f"out.{ending}"
    done = cli("score", str(exports / "prospects.csv"), "--out", str(target))
    assert done.stdout.startswith("6 prospects with profile v1")
    assert "Next" not in done.stdout
    read = pl.read_csv if ending == "csv" else pl.read_parquet
    assert "margin" in read(target).columns


def test_a_file_is_scored_with_its_parts(cli, exports, tmp_path):
    target = tmp_path / "out.parquet"
    file = str(exports / "prospects.csv")
    done = cli("score", file, "-o", str(target), "--parts", "--json")
    assert json.loads(done.stdout)["target"] == "out.parquet"
    assert "points__industry" in pl.read_parquet(target).columns


@pytest.mark.parametrize("words", [["x.csv"], ["--out", "x.csv"], ["--parts"]])
def test_files_come_in_pairs(cli, words):
    assert "use FILE and --out" in cli("score", *words, code=3).stderr


def test_check_says_fit_reasons_and_look_alikes(cli):
    said = cli("check", "alpha").stdout
    assert said.startswith("Fit ")
    assert "  For: Industry: Retail: " in said
    assert "Nearest best segment: " in said
    assert "Most similar customers:" in said
    assert "\n\nVerdict: " in said


def test_check_says_why_it_cannot_tell(cli):
    said = cli("check", "Gamma").stdout
    assert said.startswith("Cannot be scored: ")
    assert "Not known: " in said


def test_explain_adds_up(cli):
    said = cli("explain", "P2").stdout
    assert "base" in said
    assert "margin" in said
    found = json.loads(cli("explain", "P2", "--json").stdout)
    total = found["score"]["base"] + sum(p["points"] for p in found["contributions"])
    assert total == found["score"]["margin"]
    assert len(found["similar"]) == 5


def test_check_tells_programs_what_explain_does_and_what_to_do(cli):
    words = ["--profile", "v1", "--json"]
    checked = json.loads(cli("check", "P1", *words).stdout)
    explained = json.loads(cli("explain", "P1", *words).stdout)
    assert {name: checked[name] for name in explained} == explained
    assert set(checked) - set(explained) == {
        "attempts",
        "changes",
        "exit",
        "exit_reason",
        "grounds",
        "left",
        "money",
        "notes",
        "questions",
        "signals",
        "verdict",
    }


@pytest.mark.parametrize("command", ["check", "explain"])
def test_nobody_is_not_found(cli, command):
    done = cli(command, "nobody", code=4)
    assert done.stderr == (
        "Error: no prospect or customer 'nobody'; give its full name or its id\n"
    )
