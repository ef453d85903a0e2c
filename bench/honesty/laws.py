"""Laws: generated tests that must hold without exception, run here at full counts.

The laws are the tests in `tests/laws` and `tests/agreement`; continuous integration
tries some tens of cases each, this many more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench.honesty.rows import Row, row

ROOT = Path(__file__).parents[2]


class Law(NamedTuple):
    """A claim, the tests that state it, and how many cases the full run tries."""

    id: str
    claim: str
    tests: tuple[str, ...]
    cases: int


_ORDER = "tests/laws/test_order.py::test_"
_VALUES = "tests/laws/test_values.py::test_"
_PAIRS = "tests/laws/test_pairs.py::test_"
_ENGINES = "tests/agreement/test_engines.py::test_"
LAWS = (
    Law(
        "P1",
        "row order changes nothing: same profile hash",
        (
            _ORDER + "order_of_rows_and_columns_changes_nothing",
            _PAIRS + "order_changes_no_pair",
        ),
        1_000,
    ),
    Law(
        "P2",
        "column order changes nothing: same profile hash",
        (_ORDER + "order_of_rows_and_columns_changes_nothing",),
        1_000,
    ),
    Law(
        "P3",
        "units change nothing: powers of two exactly, any factor to a rounding",
        (
            _VALUES + "names_of_values_and_units_change_nothing",
            _VALUES + "any_unit_gives_the_same_ranks",
            _PAIRS + "units_and_names_change_no_pair",
        ),
        1_000,
    ),
    Law(
        "P4",
        "names of levels change nothing",
        (_VALUES + "names_of_values_and_units_change_nothing",),
        1_000,
    ),
    Law(
        "P5",
        "a customer twice is a customer of weight two (same cells, same shrinkage)",
        ("tests/learn/test_ridge.py::test_counts_equal_physical_copies",),
        1,
    ),
    Law(
        "P9",
        "base and contributions sum to the score exactly",
        (
            _ENGINES + "parts_add_up_exactly_to_the_margin",
            "tests/scoring/test_explain.py::test_an_explanation_adds_up_whatever_comes",
            _VALUES + "contributions_of_a_learnt_profile_sum_to_its_score",
            _PAIRS + "pairs_and_attributes_sum_to_the_margin",
        ),
        2_000,
    ),
    Law(
        "P12",
        "unknown, never seen, NaN or infinite values never raise and never win",
        (
            _ENGINES + "odd_values_never_raise_and_never_win",
            _VALUES + "unknown_is_never_the_best_value_of_a_column",
        ),
        2_000,
    ),
    Law(
        "P13",
        "constant and empty columns contribute nothing; too few customers are refused",
        (
            "tests/learn/test_fit.py::"
            "test_a_constant_or_empty_column_contributes_nothing",
            _VALUES + "fewer_than_five_of_a_kind_are_refused",
        ),
        100,
    ),
    Law(
        "P14",
        "distances are never negative, capped, and 0 for the typical customer",
        (_VALUES + "distances_start_at_the_typical_customer",),
        2_000,
    ),
    Law(
        "P15",
        "exchanging best and regrettable negates every contribution",
        (
            _VALUES + "swapping_the_outcomes_negates_every_known_cell",
            _PAIRS + "the_mirror_negates_every_known_cell_and_every_pair_of_them",
        ),
        1_000,
    ),
)


def law_row(law: Law, share: float, /) -> Row:
    """Run a law's tests on a share of its cases, at least ten."""
    cases = max(min(10, law.cases), round(share * law.cases))
    found = [_holds(test, cases) for test in law.tests]
    passed = all(holds for holds, _ in found)
    last = "; ".join(said for holds, said in found if not holds)
    tests = "tests" if len(law.tests) > 1 else "test"
    figure = f"{len(law.tests)} {tests}, {cases:,} generated cases each, "
    return row(
        law.id,
        law.claim,
        "without exception",
        figure + ("no exception" if passed else last),
        "met" if passed else "missed",
    )


@cache
def _holds(test: str, cases: int) -> tuple[bool, str]:
    """Whether a test passes; laws that share one share the answer."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "ignore", test],
        cwd=ROOT,
        env={**os.environ, "ICP_EXAMPLES": str(cases)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [text for text in done.stdout.splitlines() if text.strip()]
    return done.returncode == 0, said[-1] if said else "the tests did not run"
