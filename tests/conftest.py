from __future__ import annotations

import os

# One process of many gets one thread; Polars reads this when it is imported first.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from servers.postgres_server import binaries, running

# A busy machine must not fail a test: no test measures time.
settings.register_profile("icp", deadline=None)
settings.load_profile("icp")


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server; without its programs the test is skipped."""
    pytest.importorskip("psycopg")
    programs = binaries()
    if programs is None:
        pytest.skip("needs PostgreSQL's initdb")
    with running(programs) as server:
        yield server
