from datetime import UTC, datetime, timedelta

import pytest

from icp.store.database import Database
from icp.store.store import Store


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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres").database()
    return f"sqlite:///{tmp_path / 'icp.db'}"


@pytest.fixture
def database(url, clock):
    database = Database(url, clock=clock)
    yield database
    database.close()


@pytest.fixture
def store(url, tmp_path, clock):
    store = Store(url, tmp_path / "bulk", clock=clock)
    yield store
    store.close()
