"""Suspicious columns at the borders of what is suspicious, without any data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from generators.strategies import table_of

from icp.learn.cells import Cells
from icp.learn.evidence import Alone
from icp.learn.leakage import suspicious_columns

if TYPE_CHECKING:
    from icp.profile import AttributeTable, ColumnFinding

STAFF = table_of(
    "staff",
    "number",
    (0,) * 5,
    edges=(5.0, 9.0),
    cells=("up to 4", "5 to 8", "9 or more"),
)
KIND = table_of("kind", "category", (0,) * 5, cells=("a", "b", "c"))


def found(
    best: list[int],
    bad: list[int],
    *,
    auc: float = 0.8,
    missing: float = 0.5,
    fill: float | None = None,
    table: AttributeTable = KIND,
    known: int = 100,
) -> ColumnFinding | None:
    """What is said of one table; `known` of 100 customers have a value."""
    codes = np.where(np.arange(100) < known, 2, 0).astype(np.int32)[:, None]
    cells = Cells(
        tables=(table,),
        codes=codes,
        positions=(np.full(5, np.nan),),
        rows=np.arange(100),
    )
    counts = np.array([best, bad], dtype=np.float64)
    alone = Alone(best=counts[0], regrettable=counts[1], auc=auc, missing_auc=missing)
    rates = {} if fill is None else {table.column: fill}
    return next(iter(suspicious_columns(cells, (alone,), rates).values()), None)


MIXED = [0, 0, 30, 20, 10], [0, 0, 10, 20, 30]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"auc": 0.9}, "too_good"),
        ({"auc": 0.8999}, None),
        ({"missing": 0.7001}, "missing_tells"),
        ({"missing": 0.7}, None),
        ({"fill": 0.6999}, "fill_rate"),
        ({"fill": 0.75}, None),
        ({"fill": 1.0, "known": 69}, "fill_rate"),
        ({"fill": 1.0, "known": 71}, None),
        ({"auc": 0.95, "missing": 0.9, "fill": 0.0}, "too_good"),
        ({"missing": 0.9, "fill": 0.0}, "missing_tells"),
    ],
)
def test_a_column_is_suspicious_from_its_limit_on(
    options: dict[str, float], code: str | None
) -> None:
    said = found(*MIXED, **options)  # type: ignore[arg-type]  # keywords of found
    assert (said.code if said else None) == code
    assert said is None or said.excluded


@pytest.mark.parametrize(
    ("best", "bad", "auc", "code"),
    [
        ([0, 0, 50, 25, 25], [0, 0, 0, 50, 50], 0.75, "one_outcome"),
        ([0, 0, 0, 50, 50], [0, 0, 50, 25, 25], 0.75, "one_outcome"),
        ([0, 0, 100, 25, 25], [0, 0, 0, 25, 25], 0.75, "pure"),
        ([0, 0, 100, 25, 25], [0, 0, 0, 25, 25], 0.7499, "one_outcome"),
        ([0, 0, 0, 25, 25], [0, 0, 100, 25, 25], 0.75, "pure"),
        ([0, 0, 99, 25, 25], [0, 0, 0, 25, 26], 0.75, "one_outcome"),
        ([0, 0, 100, 25, 25], [0, 0, 1, 25, 25], 0.75, None),
        # Nine in a pure cell are too few, whatever chance says.
        ([0, 0, 9, 2, 2], [0, 0, 0, 2, 2], 0.75, None),
    ],
)
def test_pure_cells_cover_half_of_the_customers(
    best: list[int], bad: list[int], auc: float, code: str | None
) -> None:
    said = found(best, bad, auc=auc)
    assert (said.code if said else None) == code


@pytest.mark.parametrize(
    ("table", "best", "words"),
    [
        (KIND, [40, 0, 30, 0, 0], "all 30 customers with 'a' are best"),
        (STAFF, [40, 0, 20, 20, 0], "all 40 customers with 'up to 8' are best"),
        (STAFF, [40, 0, 0, 20, 20], "all 40 customers with '5 or more' are best"),
        (STAFF, [20, 0, 20, 20, 20], "all 60 customers with 'any value' are best"),
    ],
)
def test_customers_of_one_outcome_are_named_by_what_they_have(
    table: AttributeTable, best: list[int], words: str
) -> None:
    said = found(best, [90, 0, 0, 0, 0], auc=0.6, missing=0.6, table=table)
    assert said is not None
    assert (said.code, said.excluded) == ("one_outcome", False)
    assert said.message == (
        f"{said.column}: {words}; make sure that it is known before the sale"
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"auc": 0.934},
            "kind: on its own it separates best from regrettable almost perfectly "
            "(0.93)",
        ),
        (
            {"missing": 0.871},
            "kind: whether it is filled in separates best from regrettable "
            "(0.87), so it is probably filled in later",
        ),
        (
            {"fill": 0.2},
            "kind: 100% of customers have a value, 20% of prospects",
        ),
    ],
)
def test_what_is_suspicious_is_said_with_its_figure(
    said: dict[str, float], words: str
) -> None:
    finding = found(*MIXED, **said)  # type: ignore[arg-type]  # keywords of found
    assert finding is not None
    assert finding.message == words
