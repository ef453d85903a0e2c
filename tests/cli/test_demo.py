import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    from typer.testing import CliRunner

    from icp.cli import app

    folder = tmp_path_factory.mktemp("demo") / "here"
    done = CliRunner().invoke(app, ["demo", str(folder), "--rows", "60"])
    assert done.exit_code == 0, done.output
    return folder, done


def test_the_demo_tells_what_it_found_in_plain_words(told):
    folder, done = told
    for words in ("Imported:", "Outcomes:", "Learned and put in force:", "Scored:"):
        assert f"\n{words}\n" in done.stdout
    assert "Evidence: strong" in done.stdout
    assert "60 prospects with profile v1" in done.stdout
    assert done.stdout.endswith(
        f"See it in the browser:\n  icp dashboard -w {folder}\n"
    )
    assert done.stderr == ""


def test_the_demo_can_be_done_again(told, cli):
    folder, _ = told
    found = json.loads(cli("demo", str(folder), "--rows", "60", "--json").stdout)
    assert found["prospects"] == 60
    assert found["profile"]["number"] == 1
    checks = json.loads(cli("doctor", "-w", str(folder), "--json").stdout)
    assert {check["state"] for check in checks} == {"ok"}
