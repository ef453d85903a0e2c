"""D1: the same customers give the same profile, wherever and whenever."""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

from bench.honesty.rows import Row, row

FRESH = 20
_CHILD = """
import sys
sys.path.insert(0, {root!r})
from bench.honesty.determinism import hashes
print(hashes({repeats}))
"""


def hashes(repeats: int, /) -> str:
    """The hashes of profiles learnt again and again from the same customers."""
    from bench.honesty.world import customers
    from icp.learn import fit_profile

    locale.setlocale(locale.LC_ALL, "")
    frame, _ = customers(150, seed=3)
    found = {fit_profile(frame).id for _ in range(repeats)}
    return " ".join(sorted(found))


def circumstances(count: int, /) -> list[dict[str, str]]:
    """Environments that differ in threads, hash seed, language and time zone."""
    kinds = {
        "POLARS_MAX_THREADS": ("1", "2", "8"),
        "OMP_NUM_THREADS": ("1", "2", "8", "4", "3"),
        "PYTHONHASHSEED": tuple(map(str, range(21))),
        "LC_ALL": ("C", "C.UTF-8", *_languages()),
        "TZ": ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"),
    }
    columns = [islice(cycle(values), count) for values in kinds.values()]
    return [dict(zip(kinds, each, strict=True)) for each in zip(*columns, strict=True)]


def _languages() -> tuple[str, ...]:
    """Two languages with other decimal signs or letters, where they are installed."""
    wanted = ("de_DE.UTF-8", "tr_TR.UTF-8")
    return tuple(name for name in wanted if _is_installed(name))


def _is_installed(name: str) -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_ALL, before)
    return True


def in_a_fresh_process(circumstance: dict[str, str], repeats: int, /) -> str:
    """The hashes that a new process gets."""
    code = _CHILD.format(root=str(Path(__file__).parents[2]), repeats=repeats)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **circumstance},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def determinism_row(runs: int, /) -> Row:
    """Hashes over fresh processes in differing circumstances, some repeats in each."""
    processes = max(2, min(FRESH, runs // 5))
    repeats = -(-runs // processes)
    found = {in_a_fresh_process(c, repeats) for c in circumstances(processes)}
    languages = ", ".join(("C", "C.UTF-8", *_languages()))
    return row(
        "D1",
        "the same customers give the same profile",
        "1 hash",
        f"{len(found)} over {processes * repeats} fits in {processes} fresh processes; "
        f"1 to 8 threads, {processes} hash seeds, locales {languages}, 4 time zones",
        "met" if len(found) == 1 and " " not in next(iter(found)) else "missed",
    )
