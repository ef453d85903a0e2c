from __future__ import annotations

import pytest
from pydantic import ValidationError

from icp.ingest.plan import Aggregate, AssemblyPlan, Join, Key


@pytest.mark.parametrize(
    ("on", "keys"),
    [
        ("domain", (Key(by="domain"),)),
        (["id", "name"], (Key(by="id"), Key(by="name"))),
        (
            [{"by": "id", "left": "a", "right": "b"}, "domain"],
            (Key(by="id", left="a", right="b"), Key(by="domain")),
        ),
    ],
)
def test_keys_may_be_written_short(on, keys):
    assert Join.model_validate({"source": "erp", "on": on}).on == keys


def test_a_join_is_by_id_unless_said():
    assert Join(source="erp").on == (Key(by="id"),)


def test_every_source_is_named_once_the_base_first():
    plan = AssemblyPlan.model_validate(
        {
            "base": "crm",
            "lookups": [{"source": "plans", "into": "erp", "columns": ["price"]}],
            "joins": [{"source": "erp"}, {"source": "crm2"}, {"source": "erp"}],
        }
    )
    assert plan.sources == ("crm", "erp", "plans", "crm2")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({}, "base"),
        ({"base": "crm", "rows": "many"}, "rows"),
        ({"base": "crm", "keep": "best"}, "keep"),
        ({"base": "crm", "unknown": 1}, "unknown"),
        ({"base": "crm", "joins": [{"source": "x", "on": []}]}, "at least one key"),
        ({"base": "crm", "joins": [{"source": "x", "on": "colour"}]}, "on"),
        ({"base": "crm", "lookups": [{"source": "x"}]}, "a lookup needs 'into'"),
        (
            {"base": "crm", "joins": [{"source": "x", "aggregates": [{"name": "n"}]}]},
            "take",
        ),
        (
            {
                "base": "crm",
                "joins": [
                    {
                        "source": "x",
                        "keep": "last",
                        "aggregates": [{"name": "n", "take": "count"}],
                    }
                ],
            },
            "give 'aggregates', or 'columns' and 'keep', not both",
        ),
        ({"base": "crm", "derived": [{"name": "", "expression": "1"}]}, "name"),
        ({"base": "crm", "roles": {"size": "boss"}}, "roles"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_its_place(plan, message):
    with pytest.raises(ValidationError, match=message):
        AssemblyPlan.model_validate(plan)


@pytest.mark.parametrize("take", ["sum", "mean", "first", "any", "share", "values"])
def test_all_but_a_count_need_something_to_take(take):
    with pytest.raises(ValidationError, match=f"'{take}' needs 'of'"):
        Aggregate(name="n", take=take)
    assert Aggregate(name="n", take=take, of="amount").of == "amount"
    assert Aggregate(name="n", take="count").of == ""


def test_a_plan_comes_back_from_json():
    plan = AssemblyPlan.model_validate(
        {
            "base": "crm",
            "where": "size > 3",
            "joins": [
                {
                    "source": "erp",
                    "on": ["id", {"by": "name", "left": "firm"}],
                    "aggregates": [{"name": "paid", "take": "sum", "of": "amount"}],
                }
            ],
            "derived": [{"name": "x", "expression": "paid / 2", "role": "outcome"}],
            "roles": {"size": "ignored"},
        }
    )
    assert AssemblyPlan.model_validate_json(plan.model_dump_json()) == plan
