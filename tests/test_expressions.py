from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from icp.errors import PolicyError, near
from icp.expressions import compiled, condition, evaluated, number

FRAME = pl.DataFrame(
    {
        "paid": [2.0, None, 0.0],
        "why": ["price", "it's", None],
        "gone": [True, False, None],
        "since": [date(2020, 1, 1), date(2024, 1, 1), None],
        "odd name": [1.0, 2.0, 3.0],
    }
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("paid", [2.0, None, 0.0]),
        ("paid * 2 - 1", [3.0, None, -1.0]),
        ("1 / paid", [0.5, None, None]),
        ("0 / paid", [0.0, None, None]),
        ("gone", [1.0, 0.0, None]),
        ('"odd name" + 1', [2.0, 3.0, 4.0]),
        ("COALESCE(paid, 7)", [2.0, 7.0, 0.0]),
        ("5", [5.0, 5.0, 5.0]),
        ("NULL", [None, None, None]),
    ],
)
def test_numbers(text, values):
    expression = number(text, subject="worth", schema=FRAME.schema)
    assert evaluated(FRAME, expression, subject="worth", text=text).to_list() == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("gone", [True, False, False]),
        ("NOT gone", [False, True, False]),
        ("why = 'price' OR paid IS NULL", [True, True, False]),
        ("why IN ('it''s')", [False, True, False]),
        ("why LIKE 'p%'", [True, False, False]),
        ("since < DATE '2021-01-01'", [True, False, False]),
        ("why = 'select'", [False, False, False]),
    ],
)
def test_conditions(text, values):
    expression = condition(text, subject="rule", schema=FRAME.schema)
    assert evaluated(FRAME, expression, subject="rule", text=text).to_list() == values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "write it as in SQL"),
        ("paid +", "write it as in SQL"),
        ("nonsense(paid)", "unsupported function"),
        ("payd", r"1 unknown column: 'payd'; did you mean 'paid'\?"),
        ("SUM(paid)", "it sums over rows; give one value per row"),
        ("(SELECT 1)", "it holds a query"),
        ("paid > (select max(paid) from self)", "it holds a query"),
        ("why + 1", "compare text with 'text' and numbers with numbers"),
        ("since < '2021-01-01'", "write a date as DATE '2024-01-31'"),
    ],
)
def test_what_cannot_be_used_is_named(text, reason):
    with pytest.raises(PolicyError, match=reason) as caught:
        compiled(text, subject="rule 'x'", schema=FRAME.schema)
    assert str(caught.value).startswith(f"rule 'x': cannot use \"{text}\": ")


def test_text_is_no_number_and_a_number_no_condition():
    with pytest.raises(PolicyError, match="it is not a number"):
        number("why", subject="worth", schema=FRAME.schema)
    with pytest.raises(PolicyError, match="it is not a condition"):
        condition("paid", subject="rule", schema=FRAME.schema)


def test_data_that_defeat_an_expression_are_not_shown():
    text = "CAST(why AS DOUBLE)"
    expression, _ = compiled(text, subject="x", schema=FRAME.schema)
    with pytest.raises(PolicyError, match="use TRY_CAST") as caught:
        evaluated(FRAME, expression, subject="x", text=text)
    assert "price" not in str(caught.value)


def test_near():
    assert near("indstry", ["industry", "size"]) == "did you mean 'industry'?"
    assert near("zzz", ["b", "a"]) == "it has 2 names: 'a', 'b'"
    assert near("zzz", []) == "there are none"
