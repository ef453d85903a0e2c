"""One task of `speed.py` in a process of its own; prints what it took as JSON.

    python -m bench.speed.tasks score FOLDER ROWS

Only the work itself is timed: imports, loading and learning come before.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from itertools import chain
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from icp.profile import Profile
from icp.scoring import SCORE_COLUMNS, explain, score, score_one

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS: Final = 5_000
_ROUNDS: Final = 5
_LOADS: Final = 30
_PEER_ROWS: Final = 5_000


def main() -> None:
    """Do the task that the command line names."""
    task, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    others = {"draw": _draw, "one": _one, "fit ours": _fit_ours, "fit EBM": _fit_ebm}
    if task in others:
        print(json.dumps(others[task](folder, rows)))
    elif task.startswith("peer "):
        print(json.dumps(_peer(task.removeprefix("peer "), folder, rows)))
    else:
        print(json.dumps(_taken(_file_task(task, folder, rows))))


def _taken(work: Callable[[], object]) -> dict[str, float]:
    """Seconds, processor seconds, and the most memory the process ever held."""
    start, before = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": cpu, "peak": peak}


# ---------------------------------------------------------------------- whole files


def _draw(folder: Path, rows: int) -> dict[str, Any]:
    from bench.speed.accounts import learnt, with_pairs, write_accounts

    file = write_accounts(folder, rows)
    if not (folder / "score.json").exists():
        _save(folder, learnt(), with_pairs)
    profile = _load(folder, "score")
    return {
        "megabytes": file.stat().st_size / 1e6,
        "tables": len(profile.tables),
        "segments": len(profile.segments),
        "pairs": len(profile.pairs),
        "kilobytes": (folder / "score.json").stat().st_size / 1e3,
    }


def _save(
    folder: Path, profile: Profile, with_pairs: Callable[[Profile], Profile]
) -> None:
    (folder / "score.json").write_text(profile.to_json(), "utf-8")
    (folder / "pairs.json").write_text(with_pairs(profile).to_json(), "utf-8")


def _load(folder: Path, name: str) -> Profile:
    return Profile.from_json((folder / f"{name}.json").read_text("utf-8"))


def _file_task(task: str, folder: Path, rows: int) -> Callable[[], object]:
    target = folder / f"{task}.parquet"
    task, _, other = task.partition(" ")
    compression: Any = other or "zstd"
    if task == "rewrite":
        return lambda: pl.scan_parquet(folder / "pairs.parquet").sink_parquet(target)
    accounts = pl.scan_parquet(folder / f"accounts-{rows}.parquet")
    profile = _load(folder, "pairs" if task == "pairs" else "score")

    def work() -> None:
        plan = _planned(task, accounts, profile)
        plan.sink_parquet(target, compression=compression)

    return work


def _planned(task: str, accounts: pl.LazyFrame, profile: Profile) -> pl.LazyFrame:
    if task == "copy":
        return accounts
    if task == "floor":
        touched = pl.sum_horizontal(pl.exclude("account_id").is_null())
        return accounts.select("account_id", touched=touched)
    if task == "read":
        drawn = pl.exclude("account_id")
        return accounts.select(drawn.null_count())
    scored = score(accounts, profile, parts=task == "parts")
    if task == "unwritten":
        return scored.select(pl.col(*SCORE_COLUMNS).null_count())
    if task == "all":
        return scored
    if task == "three":
        return scored.select("account_id", "fit", "state", "margin")
    points = [pl.col("^points__.*$")] if task == "parts" else []
    return scored.select("account_id", *SCORE_COLUMNS, *points)


def _peer(name: str, folder: Path, rows: int) -> dict[str, float]:
    from bench.speed.accounts import customers
    from bench.speed.peers import learnt, score_file

    source = folder / f"accounts-{rows}.parquet"
    model = learnt(name, customers(min(rows, _PEER_ROWS), seed=2))
    head = folder / "head.parquet"
    pl.scan_parquet(source).head(1_000).sink_parquet(head)
    score_file(model, head, folder / "scored.parquet")
    return _taken(lambda: score_file(model, source, folder / "scored.parquet"))


# ---------------------------------------------------------------------- one account


def _one(folder: Path, rows: int) -> dict[str, float]:
    accounts = pl.scan_parquet(folder / f"accounts-{rows}.parquet").head(_CALLS)
    every = accounts.collect().to_dicts()
    found: dict[str, float] = {}
    for name in ("score", "pairs"):
        text = (folder / f"{name}.json").read_text("utf-8")
        loads = [_microseconds(Profile.from_json, text) for _ in range(_LOADS)]
        profile = Profile.from_json(text)
        found[f"{name} load"] = median(loads) / 1000
        for call in (score_one, explain):
            call(every[0], profile)
            rounds = [
                [_microseconds(call, row, profile) for row in every]
                for _ in range(_ROUNDS)
            ]
            found[f"{name} {call.__name__}"] = min(map(median, rounds))
            found[f"{name} {call.__name__} all"] = median(chain(*rounds))
    return found


def _microseconds(work: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter_ns()
    work(*arguments)
    return (time.perf_counter_ns() - start) / 1000


# --------------------------------------------------------------------------- learning


def _fit_ours(_folder: Path, rows: int) -> dict[str, Any]:
    from icp.learn import FitOptions, fit_profile

    task = _fit_task(rows)
    outcome = pl.when(pl.Series(task.best)).then(pl.lit("best"))
    frame = task.frame.with_columns(outcome=outcome.otherwise(pl.lit("regrettable")))
    names = task.schema.names
    options = FitOptions(accept=names)

    def work() -> None:
        fit_profile(frame, schema=task.schema, options=options)

    return {**_taken(work), "name": task.name, "rows": frame.height, "of": len(names)}


def _fit_ebm(_folder: Path, rows: int) -> dict[str, Any]:
    from bench.quality.peers import ebm

    task = _fit_task(rows)
    return _taken(lambda: ebm(task, task, bags=14))


def _fit_task(rows: int) -> Any:
    """Telco where the open data are there, else the demo's customers."""
    import os

    from bench.sets.task import task_of

    if os.environ.get("ICP_DATA"):
        from bench.sets.recipe import run_recipe

        return task_of(run_recipe("telco-ibm"), most=rows)
    return _demo_task(rows)


def _demo_task(rows: int) -> Any:
    import numpy as np

    from bench.sets.task import Task
    from icp.demo import draw_demo
    from icp.schema import AccountSchema

    drawn = draw_demo()[0].customers.drop("account_id", "account_name", "archetype")
    judged = drawn.filter(pl.col("outcome").is_in(["best", "regrettable"])).head(rows)
    frame = judged.drop("outcome")
    schema = AccountSchema.infer(frame)
    learnable = AccountSchema(attributes=tuple(schema.learnable))
    return Task(
        name="demo",
        use="tuned on",
        frame=frame.select(learnable.names),
        schema=learnable,
        best=(judged["outcome"] == "best").to_numpy(),
        groups=np.arange(judged.height),
    )


if __name__ == "__main__":
    main()
