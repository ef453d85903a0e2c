import json

import polars as pl
import pytest


def test_import_shows_the_mapping_and_asks(fresh, exports):
    done = fresh("import", str(exports / "customers.csv"), answer="y\n")
    assert "customers.csv: 90 rows, read as accounts" in done.stderr
    assert "becomes" in done.stderr
    assert "Account ID" in done.stderr
    assert "Import customers.csv as accounts like this? [y/N]:" in done.stderr
    assert done.stdout == (
        "customers: 90 rows of customers.csv used, 0 quarantined\n"
        "90 customers, 0 prospects\n"
        "\nNext:\n"
        "  Say which customers were best and which regrettable: icp label\n"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [("n\n", "stopped; nothing was changed"), ("", "use --yes to agree")],
)
def test_import_without_agreement_keeps_nothing(fresh, exports, answer, words):
    file = str(exports / "customers.csv")
    done = fresh("import", file, code=130, answer=answer)
    assert words in done.stderr
    assert done.stdout == ""
    assert not (fresh.folder / "sources").exists()


def test_import_again_changes_nothing(cli):
    done = cli("import")
    assert done.stdout.startswith("Nothing changed since import 1.\n")
    found = json.loads(cli("import", "--json").stdout)
    assert (found["changed"], found["customers"], found["prospects"]) == (False, 90, 6)
    assert len(found["findings"]) == 1
    assert found["sources"][0]["report"]["ledger"]["read"] == 91


def test_import_says_what_the_rows_are_and_how_it_is_called(fresh, exports):
    file = str(exports / "prospects.csv")
    done = fresh("import", file, "--as", "accounts", "--name", "crm", "-y", "--json")
    (source,) = json.loads(done.stdout)["sources"]
    assert (source["name"], source["object"]) == ("crm", "accounts")


def test_one_name_is_for_one_file(fresh, exports):
    files = [str(exports / name) for name in ("customers.csv", "prospects.csv")]
    done = fresh("import", *files, "--name", "x", code=3)
    assert done.stderr.startswith("Error: --name is for one file")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import", "nothing.csv"], "nothing.csv: does not exist; check the path"),
        (["import"], "there is nothing to import; run icp import FILE"),
        (["label"], "nothing imported yet; run icp import FILE"),
    ],
)
def test_input_errors_are_one_line_with_exit_code(fresh, words, message):
    code = 4 if words == ["label"] else 3
    done = fresh(*words, code=code)
    assert done.stderr == f"Error: {message}\n"


def test_label_shows_counts_and_examples(cli):
    done = cli("label")
    assert done.stdout.startswith("best: 44 of 90 accounts (48.9%)\n")
    assert "Firm 0" in done.stdout
    found = json.loads(cli("label", "--json").stdout)
    assert found["counts"]["regrettable"] == 46
    assert (found["saved"], found["policy"]["label"]["column"]) == (
        True,
        "customer_status",
    )


def test_label_preview_keeps_nothing(fresh, exports):
    fresh("import", str(exports / "customers.csv"), "-y")
    before = (fresh.folder / "icp.toml").read_text()
    done = fresh("label", "--preview")
    assert done.stderr == "This was a preview; icp label saves the outcomes.\n"
    assert (fresh.folder / "icp.toml").read_text() == before


def test_an_outcome_is_set_by_hand(cli):
    words = ["--account", "C0", "--outcome", "best", "--reason", "came back"]
    assert json.loads(cli("label", *words, "--json").stdout)["counts"]["best"] == 45


@pytest.mark.parametrize(
    "words", [["--account", "C0"], ["--outcome", "best", "--reason", "x"]]
)
def test_setting_an_outcome_needs_both(cli, words):
    assert "--account needs --outcome" in cli("label", *words, code=3).stderr


def test_scores_are_exported(cli, tmp_path):
    target = tmp_path / "s.csv"
    assert cli("export", "scores", str(target)).stdout == f"Wrote 6 rows to {target}.\n"
    assert pl.read_csv(target)["account_id"].to_list() == [
        "P1",
        "P2",
        "P3",
        "P4",
        "P5",
        "P6",
    ]
    done = cli("export", "scores", str(target), "--run", "1", "--json")
    assert json.loads(done.stdout) == {"file": str(target), "rows": 6}
    cli("export", "scores", str(target), "--run", "9", code=4)


def test_rows_kept_out_are_exported(cli, tmp_path):
    target = tmp_path / "q.parquet"
    words = ["export", "quarantine", str(target), "--source", "customers"]
    assert cli(*words).stdout == f"Wrote 0 rows to {target}.\n"
    assert pl.read_parquet(target).columns[0] == "source"
