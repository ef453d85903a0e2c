import shutil
from datetime import UTC, datetime, timedelta

import pytest

from icp.workflow import create_workspace, open_workspace

HEADER = "Account ID,Account Name,Industry,Employees,Website,Customer Status\n"
INDUSTRIES = ("Retail", "Software", "Mining")

OUTCOME = """
[outcome.label]
column = "customer_status"
values = { Good = "best", Bad = "regrettable" }

[learning.options]
folds = 2
refits = 10
"""


def customers_csv(rows=90):
    """Retail is mostly good, mining mostly bad, software both."""
    lines = []
    for i in range(rows):
        industry = INDUSTRIES[i % 3]
        good = {"Retail": i % 7 != 0, "Software": i % 2 == 1, "Mining": i % 8 == 2}
        status = "Good" if good[industry] else "Bad"
        lines.append(
            f"C{i},Firm {i},{industry},{10 + i % 20},firm{i}.example,{status}\n"
        )
    return HEADER + "".join(lines)


PROSPECTS = """Account ID,Account Name,Industry,Employees,Website
P1,Alpha,Retail,25,alpha.example
P2,Beta,Mining,40,beta.example
P3,Gamma,Select,,gamma.example
P4,Alpha,Mining,15,other.example
"""


class Clock:
    def __init__(self):
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_time(self, **spell):
        self.now += timedelta(**spell)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def outcome_rules():
    return OUTCOME


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    (folder / "customers.csv").write_text(customers_csv())
    (folder / "prospects.csv").write_text(PROSPECTS)
    return folder


@pytest.fixture(scope="session")
def imported_folder(tmp_path_factory, exports):
    folder = tmp_path_factory.mktemp("spaces") / "imported"
    with create_workspace(folder, name="Tiny") as workspace:
        config = folder / "icp.toml"
        config.write_text(config.read_text() + OUTCOME)
        workspace.sources.add(exports / "customers.csv", confirm=True)
        workspace.sources.add(
            exports / "prospects.csv", object="prospects", confirm=True
        )
        workspace.imports.run()
    return folder


@pytest.fixture(scope="session")
def scored_folder(tmp_path_factory, imported_folder):
    folder = tmp_path_factory.mktemp("spaces") / "scored"
    shutil.copytree(imported_folder, folder)
    with open_workspace(folder, actor="ann") as workspace:
        workspace.labels.label()
        workspace.profiles.activate(workspace.profiles.learn().version, reason="first")
        workspace.scores.run()
    return folder


@pytest.fixture
def imported(imported_folder, tmp_path, clock):
    shutil.copytree(imported_folder, tmp_path / "space")
    with open_workspace(tmp_path / "space", actor="ann", clock=clock) as workspace:
        yield workspace


@pytest.fixture
def scored(scored_folder, tmp_path, clock):
    shutil.copytree(scored_folder, tmp_path / "space")
    with open_workspace(tmp_path / "space", actor="ann", clock=clock) as workspace:
        yield workspace
