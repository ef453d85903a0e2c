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


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pl.Series([{"a": 1}]), "Struct"),
        (pl.Series([b"x"]), "Binary"),
        (pl.Series([[1, 2]]), "List(Int64)"),
        (pl.Series([[["x"]]]), "List(List(String))"),
        (pl.Series([object()], dtype=pl.Object), "Object"),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_types_that_are_no_attribute_are_ignored_with_a_reason(values, words) -> None:
    attribute = AccountSchema.infer(pl.DataFrame({"odd": values}))["odd"]
    assert (attribute.role, attribute.kind) == (Role.IGNORED, Kind.TEXT)
    assert attribute.reason.startswith("no attribute has values of type")
    assert words in attribute.reason


@pytest.mark.parametrize(
    "dtype",
    [
        pl.List(pl.String),
        pl.List(pl.Categorical),
        pl.List(pl.Enum(["x"])),
        pl.List(pl.Null),
        pl.Array(pl.String, 1),
    ],
    ids=str,
)
def test_lists_of_texts_are_attributes_of_several_values(dtype) -> None:
    frame = pl.DataFrame({"tools": pl.Series([None], dtype=dtype)})
    attribute = AccountSchema.infer(frame)["tools"]
    assert (attribute.role, attribute.kind) == (Role.FIRST_CONTACT, Kind.MULTI)


@pytest.mark.parametrize(
    ("distinct", "kind"), [(20, Kind.CATEGORY), (27, Kind.CATEGORY), (30, Kind.TEXT)]
)
def test_how_many_different_texts_make_free_text(distinct: int, kind: Kind) -> None:
    frame = pl.DataFrame({"note": [f"n{i % distinct}" for i in range(30)]})
    assert AccountSchema.infer(frame)["note"].kind is kind


def test_few_rows_are_never_free_text() -> None:
    frame = pl.DataFrame({"note": [f"n{i}" for i in range(20)]})
    assert AccountSchema.infer(frame)["note"].kind is Kind.CATEGORY


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match="1 column without a name; rename it"):
        AccountSchema.infer(pl.DataFrame({"": [1], "a": [2]}))


def test_a_given_role_keeps_the_proposed_kind_and_has_no_reason() -> None:
    schema = AccountSchema.infer(FRAME, roles={"employees": Role.AFTER_SALE})
    assert schema["employees"] == Attribute(
        name="employees", role=Role.AFTER_SALE, kind=Kind.NUMBER
    )
    assert [a.name for a in schema.with_role(Role.AFTER_SALE)] == ["employees"]


def test_a_given_kind_wins_over_the_type() -> None:
    schema = AccountSchema.infer(FRAME, kinds={"employees": "category"})
    assert schema["employees"].kind is Kind.CATEGORY


@pytest.mark.parametrize(
    ("kind", "dtype", "fits"),
    [
        (Kind.NUMBER, pl.Int8, True),
        (Kind.NUMBER, pl.Boolean, True),
        (Kind.NUMBER, pl.Decimal(10, 2), True),
        (Kind.NUMBER, pl.String, False),
        (Kind.CATEGORY, pl.Categorical, True),
        (Kind.CATEGORY, pl.Int64, False),
        (Kind.FLAG, pl.Boolean, True),
        (Kind.FLAG, pl.String, False),
        (Kind.DATE, pl.Datetime, True),
        (Kind.DATE, pl.String, False),
        (Kind.MULTI, pl.String, False),
        (Kind.MULTI, pl.Null, True),
    ],
    ids=str,
)
def test_what_may_be_cast_to_a_kind(kind: Kind, dtype, fits: bool) -> None:
    frame = pl.LazyFrame({"a": pl.Series([None], dtype=dtype)})
    schema = AccountSchema(attributes=(Attribute(name="a", kind=kind),))
    if fits:
        assert match_to_schema(frame, schema).collect_schema()["a"] == kind.dtype
    else:
        with pytest.raises(SchemaError, match="1 column: 'a' not of the kind"):
            match_to_schema(frame, schema)
