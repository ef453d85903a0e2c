import subprocess
import sys

import pytest

import icp

HEAVY = {"alembic", "lightgbm", "numpy", "plotly", "polars", "pydantic", "rich"}
HEAVY |= {"scipy", "sqlalchemy", "streamlit", "typer"}


def loaded_by(code):
    """Top-level packages that a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('\\n', *sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    modules = done.stdout.splitlines()[-1].split()
    return {module.partition(".")[0] for module in modules} | set(modules)


def test_importing_icp_loads_nothing_heavy():
    assert not loaded_by("import icp") & HEAVY


def test_help_loads_no_data_library():
    code = (
        "from icp.cli import app\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0"
    )
    allowed = {"typer", "rich"}
    assert not loaded_by(code) & (HEAVY - allowed)


def test_computing_needs_no_database_dashboard_or_charts():
    code = "import icp\nicp.ingest, icp.label, icp.fit_profile, icp.score, icp.explain"
    assert not loaded_by(code) & {"sqlalchemy", "streamlit", "plotly", "icp.store"}


def test_the_use_cases_need_no_dashboard_or_charts():
    loaded = loaded_by("import icp\nicp.open_workspace")
    assert not loaded & {"streamlit", "plotly", "typer", "icp.cli", "icp.dashboard"}


@pytest.mark.parametrize("name", icp.__all__)
def test_every_public_name_is_there(name):
    assert getattr(icp, name) is not None
    assert callable(getattr(icp, name))
    assert name in dir(icp)


def test_the_list_of_names_and_their_homes_agree():
    assert list(icp.__all__) == sorted(icp._HOMES)


def test_other_names_are_unknown():
    with pytest.raises(AttributeError, match="module 'icp' has no attribute 'magic'"):
        _ = icp.magic


def test_ingest_is_a_package_and_a_function(tmp_path):
    import icp.ingest

    file = tmp_path / "customers.csv"
    file.write_text("Account ID,Industry\nC1,Retail\n")
    assert icp.ingest(file).accounts.collect().height == 1
    assert icp.ingest.ingest(file).accounts.collect().height == 1
