from __future__ import annotations

import pytest

from icp.errors import PolicyError
from icp.outcomes import (
    Cost,
    LabelColumn,
    Maturity,
    OutcomePolicy,
    Rule,
    Thresholds,
    Worth,
    columns_read,
)


@pytest.mark.parametrize(
    ("policy", "columns"),
    [
        (OutcomePolicy(), set()),
        (OutcomePolicy(worth=Worth(value="12 * fee")), {"fee"}),
        (
            OutcomePolicy(
                worth=Worth(
                    value='revenue - "Set up"',
                    costs=(Cost(name="support", amount="hours * 90"),),
                ),
                thresholds=Thresholds(best_top=0.3),
            ),
            {"revenue", "Set up", "hours"},
        ),
        (
            OutcomePolicy(label=LabelColumn(column="stage", values={"Won": "best"})),
            {"stage"},
        ),
        (
            OutcomePolicy(
                rules=(
                    Rule(outcome="regrettable", when="worth < 0", reason="cost more"),
                    Rule(outcome="best", when="stays AND plan = 'pro'", reason="stays"),
                )
            ),
            {"stays", "plan"},
        ),
        (OutcomePolicy(maturity=Maturity(start="customer_since")), set()),
    ],
)
def test_columns_that_make_the_outcome(policy, columns) -> None:
    assert columns_read(policy) == columns


def test_an_expression_that_cannot_be_read_is_named() -> None:
    rule = Rule(outcome="best", when="stays AND", reason="stays")
    with pytest.raises(PolicyError, match="rule 'stays': cannot use"):
        columns_read(OutcomePolicy(rules=(rule,)))
