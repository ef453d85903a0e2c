from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import SchemaError
from icp.schema import AccountSchema, Attribute, Kind, Role, match_to_schema

FRAME = pl.DataFrame(
    {
        "id": ["a", "b"],
        "industry": ["Retail", "Bank"],
        "employees": [12, 400],
        "partner": [True, False],
        "tools": [["x"], []],
        "since": [date(2020, 1, 1), date(2021, 1, 1)],
    }
)


@pytest.mark.parametrize("frame", [FRAME, FRAME.lazy()], ids=["eager", "lazy"])
def test_kinds_are_proposed_from_types(frame) -> None:
    schema = AccountSchema.infer(frame, roles={"id": "identifier"})
    assert {a.name: str(a.kind) for a in schema.attributes} == {
        "id": "category",
        "industry": "category",
        "employees": "number",
        "partner": "flag",
        "tools": "multi",
        "since": "date",
    }


def test_only_what_is_known_before_the_sale_may_be_learnt() -> None:
    schema = AccountSchema.infer(
        FRAME, roles={"id": "identifier", "partner": "protected"}
    )
    assert [a.name for a in schema.learnable] == ["industry", "employees", "tools"]


def test_nearly_unique_texts_are_ignored_with_a_reason() -> None:
    frame = pl.DataFrame({"note": [f"n{i}" for i in range(30)]})
    attribute = AccountSchema.infer(frame)["note"]
    assert (attribute.role, attribute.kind) == (Role.IGNORED, Kind.TEXT)
    assert "nearly every value is different" in attribute.reason


def test_a_role_for_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(SchemaError, match="1 unknown column: 'nps'; the frame has 6"):
        AccountSchema.infer(FRAME, roles={"nps": "outcome"})


def test_replace_exchanges_and_appends_by_name() -> None:
    schema = AccountSchema(attributes=(Attribute(name="a"), Attribute(name="b")))
    changed = schema.replace(
        [Attribute(name="a", kind=Kind.NUMBER), Attribute(name="c")]
    )
    assert [(a.name, str(a.kind)) for a in changed.attributes] == [
        ("a", "number"),
        ("b", "category"),
        ("c", "category"),
    ]
    assert changed.without(["b"]).names == ("a", "c")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(role, role.value.startswith("known_at")) for role in Role],
    ids=str,
)
def test_roles_that_may_be_learnt(role: Role, allowed: bool) -> None:
    assert role.may_be_learnt is allowed


def test_matching_selects_casts_and_orders() -> None:
    schema = AccountSchema(
        attributes=(
            Attribute(name="employees", kind=Kind.NUMBER),
            Attribute(name="industry"),
        )
    )
    matched = match_to_schema(FRAME.lazy(), schema).collect()
    assert_frame_equal(
        matched,
        pl.DataFrame({"employees": [12.0, 400.0], "industry": ["Retail", "Bank"]}),
    )


def test_a_missing_column_is_named() -> None:
    schema = AccountSchema(attributes=(Attribute(name="nps"), Attribute(name="age")))
    with pytest.raises(SchemaError, match="2 missing columns: 'age', 'nps'"):
        match_to_schema(FRAME.lazy(), schema)


def test_text_is_not_read_as_a_number() -> None:
    schema = AccountSchema(attributes=(Attribute(name="industry", kind=Kind.NUMBER),))
    with pytest.raises(SchemaError, match="1 column: 'industry' not of the kind"):
        match_to_schema(FRAME.lazy(), schema)


def test_a_label_is_shown_or_made_from_the_name() -> None:
    assert Attribute(name="head_count").title == "head count"
    assert Attribute(name="head_count", label="People").title == "People"
