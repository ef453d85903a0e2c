import shutil

import pytest
from typer.testing import CliRunner

from icp.cli import app

INDUSTRIES = ("Retail", "Software", "Mining")
SETTINGS = """
[outcome.label]
column = "customer_status"
values = { Good = "best", Bad = "regrettable" }

[learning.options]
folds = 2
refits = 10
"""
PROSPECTS = """Account ID,Account Name,Industry,Employees
P1,Alpha,Retail,25
P2,Beta,Mining,40
P3,Gamma,Select,
P4,Delta,Software,14
P5,Epsilon,Software,25
P6,Zeta,Retail,18
"""


def customers_csv():
    """Retail is mostly good, mining mostly bad, software both."""
    lines = ["Account ID,Account Name,Industry,Employees,Customer Status"]
    for i in range(90):
        industry = INDUSTRIES[i % 3]
        good = {"Retail": i % 7 != 0, "Software": i % 2 == 1, "Mining": i % 8 == 2}
        status = "Good" if good[industry] else "Bad"
        lines.append(f"C{i},Firm {i},{industry},{10 + i % 20},{status}")
    return "\n".join([*lines, ""])


class Cli:
    """Runs commands in a workspace."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *words, code=0, answer=None):
        env = {"ICP_WORKSPACE": str(self.folder), "ICP_ACTOR": "ann"}
        done = CliRunner().invoke(app, list(words), input=answer, env=env)
        if done.exit_code != code:
            pytest.fail(f"exit code {done.exit_code}: {done.output} {done.exception}")
        return done


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    (folder / "customers.csv").write_text(customers_csv())
    (folder / "prospects.csv").write_text(PROSPECTS)
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory, exports):
    """A workspace that went the whole way, by commands only."""
    cli = Cli(tmp_path_factory.mktemp("spaces") / "made")
    cli("init", str(cli.folder), "--name", "Tiny")
    config = cli.folder / "icp.toml"
    config.write_text(config.read_text() + SETTINGS)
    files = [str(exports / name) for name in ("customers.csv", "prospects.csv")]
    cli("import", *files, "--yes")
    cli("label")
    cli("learn", "--activate")
    cli("score")
    return cli.folder


@pytest.fixture
def cli(made, tmp_path):
    folder = tmp_path / "space"
    shutil.copytree(made, folder)
    return Cli(folder)


@pytest.fixture
def fresh(tmp_path):
    cli = Cli(tmp_path / "fresh")
    cli("init", str(cli.folder))
    return cli
