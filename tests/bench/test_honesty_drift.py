from __future__ import annotations

import numpy as np
import polars as pl
import pytest


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.delenv("ICP_DATA", raising=False)


def test_every_planted_change_is_found_by_its_code():
    from bench.honesty.drift import PLANTED, found_in
    from bench.honesty.world import customers

    frame, _ = customers(300, seed=1)
    best = (frame["outcome"] == "best").to_numpy()
    new = np.arange(300) >= 200
    for plant, code in PLANTED.values():
        values = plant(np.random.default_rng(1), best, new)
        drifted = frame.with_columns(it=pl.Series(values))
        assert found_in(drifted)["it"] == code


def test_the_rows_say_what_is_claimed_and_found():
    from bench.honesty.drift import drift_rows

    rows = drift_rows(2)
    assert {row["id"] for row in rows} == {"S11"}
    assert len(rows) == 3 + 1 + 5
    assert all(row["met"] == "met" for row in rows)


def test_groups_of_near_identical_rows_are_those_of_the_definition():
    """The same by looking at every leader and every row in turn."""
    from bench.quality.near_twins import near_identical

    draw = np.random.default_rng(0)
    for _ in range(20):
        codes = draw.integers(2, 5, size=(40, 4)).astype(np.int32)
        assert near_identical(codes).tolist() == slowly(codes)


def slowly(codes: np.ndarray) -> list[int]:
    patterns, row_of, counts = np.unique(
        codes, axis=0, return_inverse=True, return_counts=True
    )
    group = {}
    leaders = sorted(range(len(patterns)), key=lambda p: (-counts[p], p))
    for leader in leaders:
        if leader in group:
            continue
        number = len(set(group.values()))
        for other in range(len(patterns)):
            apart = (patterns[leader] != patterns[other]).sum()
            if apart <= 1 and other not in group:
                group[other] = number
    return [group[p] for p in row_of.reshape(-1).tolist()]
