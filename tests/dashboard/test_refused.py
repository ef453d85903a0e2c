from __future__ import annotations

import polars as pl
import pytest

from icp.dashboard import components
from icp.dashboard.views import data
from icp.profile import ColumnFinding


def _finding(column: str, code: str, *, excluded: bool = True) -> ColumnFinding:
    return ColumnFinding(
        column=column, code=code, message=f"{column}: because", excluded=excluded
    )


@pytest.mark.parametrize("code", ["empty", "constant", "rare", "identifier"])
def test_nobody_can_accept_a_column_with_nothing_to_learn_from(code: str) -> None:
    assert data.to_accept([_finding("a", code)], set()) == ()


@pytest.mark.parametrize("code", ["name", "owner", "too_good", "pure", "fill_rate"])
def test_a_suspicious_column_may_be_accepted_once(code: str) -> None:
    finding = _finding("a", code)
    assert data.to_accept([finding], set()) == (finding,)
    assert data.to_accept([finding], {"a"}) == ()


def test_a_column_that_is_learnt_from_needs_no_word() -> None:
    assert data.to_accept([_finding("a", "pure", excluded=False)], set()) == ()


def test_a_reason_does_not_repeat_the_column() -> None:
    assert components.reason(_finding("nps", "name")) == "because"


def test_refused_columns_are_listed_as_people_write_them() -> None:
    expected = pl.DataFrame({"column": ["churn date"], "why": ["because"]})
    assert data.refusal_table([_finding("churn_date", "name")]).equals(expected)
