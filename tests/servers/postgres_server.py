"""A PostgreSQL server of the tests' own: no network, no durability, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORT = 54329
_SETTINGS = "-c listen_addresses='' -c fsync=off -c timezone=Asia/Tokyo"


def binaries() -> Path | None:
    """Where PostgreSQL's programs lie; Debian keeps them out of the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


class Server:
    """A running server; every call of `database` makes an empty one."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)

    def database(self) -> str:
        """The address of a new, empty database."""
        import psycopg

        name = f"test_{next(self._numbers)}"
        with psycopg.connect(
            host=str(self._folder),
            port=_PORT,
            user="icp",
            dbname="postgres",
            autocommit=True,
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://icp@/{name}?host={self._folder}&port={_PORT}"


@contextmanager
def running(programs: Path, /) -> Iterator[Server]:
    """Start a server in a folder of its own, stop it and delete the folder."""
    folder = Path(tempfile.mkdtemp(prefix="icp-postgres-"))
    control = f"{programs}/pg_ctl -D {folder}/data -w"
    options = f"{_SETTINGS} -c unix_socket_directories={folder} -p {_PORT}"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _run(f"{programs}/initdb -D {folder}/data -U icp --auth=trust --no-sync")
        _run(f'{control} -l {folder}/log -o "{options}" start')
        try:
            yield Server(folder)
        finally:
            _run(f"{control} -m immediate stop")
    finally:
        shutil.rmtree(folder)


def _run(command: str) -> None:
    """Run a command; as `postgres` where we are root, whom PostgreSQL refuses."""
    as_whom = ["su", "postgres", "-s", "/bin/sh"] if os.geteuid() == 0 else ["sh"]
    done = subprocess.run(
        [*as_whom, "-c", command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
