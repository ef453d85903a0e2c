"""Results kept on disk, so that only what changed is measured again.

One small file per set, method, version of the method and fold, under the folder that
`ICP_BENCH_CACHE` names (`.cache/bench` beside the project's other hidden folders
otherwise). A file is named by everything that its content depends on.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.quality.peers import Method, probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.sets.task import Task

_DEFAULT = Path(__file__).parents[2] / ".cache" / "bench"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Probabilities of being best for the test rows, and processor seconds taken."""

    probability: NDArray[np.float64]
    seconds: float


def folder() -> Path:
    """Where results are kept."""
    return Path(os.environ.get("ICP_BENCH_CACHE", _DEFAULT))


def judged(method: Method, train: Task, test: Task, /, *, name: str) -> Judged:
    """What a method says of the test rows: from disk, or measured now and kept."""
    parts = (train.name, method.name, method.version, train.fingerprint, name)
    place = folder() / (_plain("__".join(parts)) + ".npz")
    if not place.is_file():
        started = time.process_time()
        probability = probabilities(method, train, test)
        _keep(place, probability, time.process_time() - started)
    with np.load(place) as found:
        return Judged(
            probability=found["probability"].astype(np.float64),
            seconds=float(found["seconds"]),
        )


def is_kept(method: Method, train: Task, /, *, name: str) -> bool:
    """Whether a result is there already."""
    parts = (train.name, method.name, method.version, train.fingerprint, name)
    return (folder() / (_plain("__".join(parts)) + ".npz")).is_file()


def _keep(place: Path, probability: NDArray[np.float64], seconds: float) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}.part")
    with half.open("wb") as file:
        np.savez(file, probability=probability.astype(np.float32), seconds=seconds)
    half.replace(place)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
