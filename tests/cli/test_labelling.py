import json

import pytest

MONEY = """
[outcome.worth]
value = "employees"

[outcome.thresholds]
best_top = 0.25
regrettable_below = 15

[learning.options]
folds = 2
refits = 10
"""


@pytest.fixture
def by_worth(cli):
    config = cli.folder / "icp.toml"
    text = config.read_text()
    config.write_text(text[: text.index("\n[outcome.label]")] + MONEY + sources(text))
    return cli


def sources(text):
    return text[text.index("\n[[sources]]") :]


def test_a_preview_shows_what_changes_when_a_limit_moves(by_worth):
    done = by_worth("label", "--preview")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert "If one limit moves and the others stay:" in done.stdout
    top = next(line for line in lines if line[:2] == ["best", "top"])
    assert top[2] == "12.5%"
    below = [line for line in lines if line[:2] == ["regrettable", "below"]]
    steps = ["7.5", "11.25", "13.5", "16.5", "18.75", "22.5"]
    assert [line[2] for line in below] == steps
    assert done.stderr == "This was a preview; icp label saves the outcomes.\n"


def test_a_preview_in_json_holds_every_step(by_worth):
    found = json.loads(by_worth("label", "--preview", "--json").stdout)
    assert found["saved"] is False
    now = found["sensitivity"][0]
    assert (now["threshold"], now["flipped"]) == ("", 0)
    assert now["best"] == found["counts"]["best"]
    assert {row["threshold"] for row in found["sensitivity"]} == {
        "",
        "best_top",
        "regrettable_below",
    }


def test_where_no_limit_decides_the_preview_says_so(cli):
    done = cli("label", "--preview")
    assert "Moving one limit changes no outcome." in done.stdout


def test_rules_are_proposed_anew_on_demand(by_worth):
    seen = json.loads(by_worth("label", "--propose", "--preview", "--json").stdout)
    assert seen["policy"]["label"]["column"] == "customer_status"
    assert "[outcome.label]" not in settings(by_worth)
    by_worth("label", "--propose")
    assert "[outcome.label]" in settings(by_worth)
    assert "best_top = 0.25\n" not in settings(by_worth)


def settings(cli):
    """What is said in icp.toml, without its notes."""
    lines = (cli.folder / "icp.toml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


def test_an_outcome_by_name_and_back(cli):
    by_rule = json.loads(cli("label", "--json").stdout)["counts"]
    words = ("--account", "firm 0", "--outcome", "best", "--reason", "came back")
    by_hand = json.loads(cli("label", *words, "--json").stdout)["counts"]
    assert by_hand["best"] == by_rule["best"] + 1
    words = ("--account", "C0", "--undo", "--reason", "a mistake")
    assert json.loads(cli("label", *words, "--json").stdout)["counts"] == by_rule
    again = cli("label", "--account", "C0", "--undo", code=4)
    assert "no outcome of 'C0' was set by hand; nothing to undo" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--undo"], "--account needs --outcome and --reason, or --undo"),
        (
            ["--account", "C0", "--outcome", "best", "--undo"],
            "--outcome sets an outcome, --undo removes it; use one of them",
        ),
        (
            ["--account", "C0", "--outcome", "best", "--preview"],
            "a preview saves nothing; leave out --preview to set --account",
        ),
    ],
)
def test_half_said_things_are_refused(cli, words, message):
    assert message in cli("label", *words, code=3).stderr


def test_labelling_says_what_decided(by_worth):
    done = by_worth("label")
    assert done.stderr.splitlines() == [
        "worth is employees",
        "regrettable when worth is below 15",
        "the 25% worth most are best",
    ]


def test_too_few_of_a_kind_are_said_before_learning(by_worth):
    config = by_worth.folder / "icp.toml"
    config.write_text(
        config.read_text().replace("regrettable_below = 15", "regrettable_below = 11")
    )
    done = by_worth("label")
    assert "Only 5 customers are regrettable, 10 are needed" in done.stdout
    assert "icp learn" not in done.stdout


def test_a_refused_column_comes_with_the_command_that_accepts_it(fresh, tmp_path):
    lines = ["Account ID,Industry,Mood,Customer Status"]
    for i in range(80):
        status, mood = ("Active", "sunny") if i % 2 else ("Churned", "rainy")
        lines.append(f"C{i},{('Retail', 'Mining')[i % 3 == 0]},{mood},{status}")
    file = tmp_path / "customers.csv"
    file.write_text("\n".join([*lines, ""]))
    config = fresh.folder / "icp.toml"
    config.write_text(
        config.read_text() + "\n[learning.options]\nfolds = 2\nrefits = 10\n"
    )
    fresh("import", str(file), "-y", "--as", "accounts")
    fresh("label")
    done = fresh("learn", "-y")
    assert "Excluded mood:" in done.stdout
    assert 'icp learn --accept mood --reason "..."' in done.stdout
    refused = fresh("learn", "-y", "--accept", "mood", code=3)
    assert "a reason is required to accept 'mood'" in refused.stderr
    done = fresh(
        "learn", "-y", "--accept", "mood", "--reason", "asked on the first call"
    )
    assert "Excluded mood:" not in done.stdout
    assert 'why = "asked on the first call"' in config.read_text()
    unknown = fresh("learn", "--accept", "moods", "--reason", "x", code=4)
    assert "no column 'moods'; did you mean 'mood'?" in unknown.stderr
