import hashlib
import json


def test_learn_shows_what_it_found_and_asks(cli):
    done = cli("learn", "--seed", "1", answer="n\n")
    first = done.stdout.splitlines()[0]
    assert first.endswith("learned from 44 best and 46 regrettable customers")
    assert "Evidence: " in done.stdout
    assert "Put profile v2 in force? [y/N]:" in done.stderr
    assert "Not in force; to activate it: icp profile activate v2" in done.stderr
    assert json.loads(cli("profile", "show", "--json").stdout)["record"]["number"] == 1


def test_learn_in_json_asks_nothing(cli):
    found = json.loads(cli("learn", "--seed", "1", "--json").stdout)
    assert (found["record"]["number"], found["record"]["active"]) == (2, False)
    assert found["evidence"]["level"] == "strong"
    assert {segment["kind"] for segment in found["segments"]} == {
        "best",
        "regrettable",
    }


def test_learn_with_agreement_puts_in_force(cli):
    found = json.loads(cli("learn", "--seed", "1", "-y", "--json").stdout)
    assert found["record"]["active"]


def test_learning_the_same_again_is_the_same_profile(cli):
    done = cli("learn")
    assert done.stdout.startswith("Profile v1 ")
    assert done.stderr == ""


def test_profiles_are_listed(cli):
    done = cli("profile", "list")
    assert "v1 (" in done.stdout
    (record,) = json.loads(cli("profile", "list", "--json").stdout)
    assert (record["number"], record["author"], record["best"]) == (1, "ann", 44)


def test_a_profile_is_shown(cli):
    shown = cli("profile", "show", "v1").stdout
    assert shown == cli("profile", "show").stdout
    assert "Most important attributes: Industry" in shown


def test_profiles_are_compared_switched_and_rolled_back(cli):
    for account in ("C0", "C21", "C42", "C63"):
        cli("label", "--account", account, "--outcome", "best", "--reason", "paid")
    cli("learn", answer="n\n")
    assert cli("profile", "diff", "v1", "v1").stdout == "No difference.\n"
    assert "attribute" in cli("profile", "diff", "v1", "v2").stdout
    assert json.loads(cli("profile", "diff", "1", "2", "--json").stdout)
    done = cli("profile", "activate", "v2", "--reason", "newer")
    assert done.stdout.startswith("Profile v2 (")
    back = json.loads(cli("profile", "rollback", "--json").stdout)
    assert (back["number"], back["active"]) == (1, True)
    done = cli("profile", "rollback", code=4)
    assert done.stderr.startswith("Error: no earlier profile was in force")


def test_an_unknown_profile_says_where_to_look(cli):
    done = cli("profile", "show", "v9", code=4)
    assert done.stderr == (
        "Error: no profiles are called 'v9'; icp profile list shows them all\n"
    )


def test_a_profile_is_exported_byte_for_byte(cli, tmp_path):
    target = tmp_path / "p.json"
    found = json.loads(cli("profile", "export", str(target), "--json").stdout)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == found["id"]
    said = cli("profile", "export", str(target), "--profile", "v1").stdout
    assert said.startswith("Wrote profile v1 (")
    screen = cli("profile", "export", "-").stdout
    assert screen == target.read_text() + "\n"


def test_a_card_is_shown_and_written(cli, tmp_path):
    shown = cli("profile", "card").stdout
    assert shown.startswith("# Ideal customer profile v1\n\nModel card.")
    assert shown == cli("profile", "card", "v1").stdout
    target = tmp_path / "card.md"
    said = cli("profile", "card", "-o", str(target)).stdout
    assert said == f"Wrote the model card to {target}.\n"
    assert target.read_text(encoding="utf-8") == shown


def test_a_card_becomes_a_page_by_option_or_by_name(cli, tmp_path):
    target = tmp_path / "card.html"
    cli("profile", "card", "-o", str(target))
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert cli("profile", "card", "--html").stdout == page


def test_a_card_in_json_has_its_sections(cli):
    card = json.loads(cli("profile", "card", "--json").stdout)
    assert card["title"] == "Ideal customer profile v1"
    assert "What was left out" in [section["title"] for section in card["sections"]]


def test_an_unknown_profile_has_no_card(cli):
    assert "no profiles are called 'v9'" in cli("profile", "card", "v9", code=4).stderr


def test_what_the_customers_can_carry_is_said(cli):
    assert "The customers can carry about " in cli("profile", "show").stdout
