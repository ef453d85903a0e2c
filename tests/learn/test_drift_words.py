"""What is said of drift, counted again; and at the borders of what is said."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from icp.learn.cells import draft_tables
from icp.learn.drift import Drift, drift_findings
from icp.schema import AccountSchema

FIRST = date(2021, 1, 1)


def found_in(labels: np.ndarray, *, min_level: int = 1, **columns: object) -> Drift:
    """One customer a day; `labels` is 1 best, 0 regrettable, 3 not known yet."""
    frame = pl.DataFrame(columns)
    drafts = draft_tables(
        frame, AccountSchema.infer(frame), min_level=min_level, max_levels=50
    )
    days = pl.Series([FIRST + timedelta(days=i) for i in range(len(labels))])
    tables = [draft.table for draft in drafts]
    return drift_findings(frame, tables, labels.astype(np.int8), days)


def day(number: int) -> str:
    return str(FIRST + timedelta(days=number))


def alternating(count: int) -> np.ndarray:
    return np.arange(count) % 2


@pytest.mark.parametrize(
    ("count", "outside", "codes"),
    [(30, 10, ["drift_range"]), (30, 9, []), (27, 9, []), (150, 10, ["drift_range"])],
)
def test_ten_customers_outside_are_needed(
    count: int, outside: int, codes: list[str]
) -> None:
    staff = np.where(np.arange(count) >= count - outside, 900.0, 1.0)
    staff[: count // 2] += np.arange(count // 2) % 3
    found = found_in(alternating(count), staff=staff)
    assert [f.code for f in found.findings if f.code == "drift_range"] == codes


@pytest.mark.parametrize(
    ("since", "codes"), [(0.50, []), (0.55, []), (0.72, ["drift_shift"])]
)
def test_a_sure_but_small_move_is_not_worth_a_word(
    since: float, codes: list[str]
) -> None:
    new = np.arange(9_000) >= 6_000
    place = np.arange(9_000) * 0.618034 % 1
    kind = np.where(place < np.where(new, since, 0.5), "a", "b")
    labels = (np.arange(9_000) * 0.414214 % 1 < 0.5).astype(int)
    assert [f.code for f in found_in(labels, kind=kind).findings] == codes


def changing(
    before: dict[str, float], since: dict[str, float]
) -> tuple[np.ndarray, ...]:
    """Six of ten have a, two b and two c; how many are best of each."""
    draw = np.random.default_rng(3)
    kind = np.array(list("aabacaabac") * 300)
    new = np.arange(3000) >= 2000
    chance = [(since if late else before)[k] for k, late in zip(kind, new, strict=True)]
    return (draw.random(3000) < chance).astype(int), kind


@pytest.mark.parametrize(
    ("before", "since", "name"),
    [
        # Beside all, b and c changed more, but most customers have a.
        ({"a": 0.75, "b": 0.4, "c": 0.4}, {"a": 0.25, "b": 0.5, "c": 0.5}, "a"),
        # Beside all others, which fell, it is b that changed.
        ({"a": 0.8, "b": 0.5, "c": 0.8}, {"a": 0.2, "b": 0.5, "c": 0.2}, "b"),
    ],
)
def test_the_customers_that_changed_most_are_counted_before_and_since(
    before: dict[str, float], since: dict[str, float], name: str
) -> None:
    labels, kind = changing(before, since)
    (finding,) = found_in(labels, kind=kind).findings
    assert finding.code in {"drift_reversed", "drift_effect"}
    (at,) = [n for n in range(3000) if f"best before {day(n)} " in finding.message]
    old, has = np.arange(3000) < at, kind == name
    assert finding.message.endswith(
        f": of those with '{name}', {labels[old & has].mean():.0%} were best before "
        f"{day(at)} (of all, {labels[old].mean():.0%}) and "
        f"{labels[~old & has].mean():.0%} since (of all, {labels[~old].mean():.0%})"
    )


def test_moved_shares_are_counted_before_and_since() -> None:
    place = np.random.default_rng(1).random(300)
    new = np.arange(300) >= 200
    kind = np.where(place < np.where(new, 0.75, 0.2), "a", "b")
    found = found_in(alternating(300), kind=kind)
    (finding,) = found.findings
    shares = {name: (kind == name) for name in "ab"}
    assert finding.message in {
        f"kind: its values shifted: {has[new].mean():.0%} of the customers since "
        f"{day(200)} have '{name}', {has[~new].mean():.0%} of those before"
        for name, has in shares.items()
    }


def test_a_moved_number_is_told_by_its_middle_before_and_since() -> None:
    draw = np.random.default_rng(2)
    new = np.arange(300) >= 200
    staff = draw.normal(np.where(new, 1300, 1000), 250).round()
    staff[::7] = np.nan
    found = found_in(alternating(300), staff=staff)
    (finding,) = found.findings
    middle, before = np.nanmedian(staff[new]), np.nanmedian(staff[~new])
    assert finding.message == (
        f"staff: its values shifted: half of the customers since {day(200)} are above "
        f"{middle:,.6g}, half of those before above {before:,.6g}"
    )


def test_a_moved_number_whose_middle_stayed_is_told_by_its_shares() -> None:
    new = np.arange(300) >= 200
    spread = np.tile([0.0, 5.0, 10.0], 100)
    together = np.tile([5.0, 5.0, 4.0, 5.0, 6.0], 60)
    found = found_in(alternating(300), staff=np.where(new, together, spread))
    (finding,) = found.findings
    assert finding.code == "drift_shift"
    assert "half of the customers" not in finding.message
    assert "less than" in finding.message or "or more" in finding.message


def test_not_filled_in_any_more_is_told_as_such() -> None:
    new = np.arange(300) >= 200
    gone = new & (np.arange(300) % 5 > 0)
    kind = [None if g else "ab"[place % 2] for place, g in enumerate(gone)]
    found = found_in(alternating(300), kind=kind)
    assert [f.message for f in found.findings] == [
        f"kind: its values shifted: 80% of the customers since {day(200)} have "
        "'not known', 0% of those before"
    ]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (
            0.9,
            f"90% of the customers since {day(200)} are best rather than regrettable, "
            "50% of those before; a fit is about both together.",
        ),
        (0.55, None),
    ],
)
def test_a_changed_share_of_best_customers_is_a_remark(
    since: float, words: str | None
) -> None:
    labels = alternating(300)
    labels[200:] = np.arange(100) < 100 * since
    found = found_in(labels, kind=["a", "b", "b"] * 100)
    assert found.notes[1:] == (() if words is None else (words,))
    assert found.notes[0] == (
        f"100 customers since {day(200)} were compared with 200 before, column by "
        "column, for drift."
    )
