"""The wheel alone must do: nothing of the checkout is in reach."""

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PATIENCE = 120


def ran(*command, cwd, **more):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    build = (
        "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    )
    ran(sys.executable, "-c", build, target, cwd=ROOT)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def binaries(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    folder = folder / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    # Only what is used gets compiled, when it is first used.
    options = ("--quiet", "--no-compile", "-c", constraints)
    ran(folder / "python", "-m", "pip", "install", *options, wheel, cwd=wheel.parent)
    return folder


@pytest.fixture(scope="module")
def bare():
    # Neither this checkout nor the settings of the one who runs the tests.
    hidden = ("PYTHON", "ICP_", "STREAMLIT_", "VIRTUAL_ENV")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return {**kept, "OMP_NUM_THREADS": "1"}


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"icp"}
    assert not [name for name in names if "__pycache__" in name]


def test_wheel_holds_every_file_of_the_package(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "icp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(wanted - held) == []


def test_the_installed_distribution_has_a_name_of_its_own(binaries, home, bare):
    ask = (
        "from importlib.metadata import version as v; import sys; print(v(sys.argv[1]))"
    )
    python = binaries / "python"
    told = ran(python, "-c", ask, "ideal-customer-profile", cwd=home, env=bare)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert told.strip() == project["version"]


def test_help_works_anywhere(binaries, home, bare):
    assert "icp demo" in ran(binaries / "icp", "--help", cwd=home, env=bare)


@pytest.fixture(scope="module")
def workspace(binaries, home, bare):
    command = (binaries / "icp", "demo", "shop", "--rows", "200", "--json")
    found = json.loads(ran(*command, cwd=home, env=bare))
    assert found["prospects"] == 200
    return home / "shop"


def test_demo_works_anywhere(binaries, workspace, bare):
    command = (binaries / "icp", "check", "P-20001", "-w", workspace)
    assert ran(*command, cwd=workspace.parent, env=bare)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def dashboard(binaries, workspace, bare):
    port = free_port()
    command = (binaries / "icp", "dashboard", "-w", workspace, "--port", str(port))
    process = subprocess.Popen(
        [str(part) for part in (*command, "--no-browser")],
        cwd=workspace.parent,
        env=bare,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process, f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=30)


def answer(process, address):
    for _ in range(PATIENCE):
        assert process.poll() is None, "the dashboard ended by itself"
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            time.sleep(1)
    pytest.fail(f"no answer from {address}")


def test_dashboard_is_healthy_anywhere(dashboard):
    process, address = dashboard
    assert answer(process, f"{address}/_stcore/health") == "ok"
    assert "<title>" in answer(process, address)
