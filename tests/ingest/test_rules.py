from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import ConfigError, MappingError
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.result import LINE
from icp.schema import Kind, Role


def _rule(
    source: str = "Branche", name: str = "industry", **other: object
) -> ColumnRule:
    given_ = {"role": Role.FIRST_CONTACT, "kind": Kind.CATEGORY, **other}
    return ColumnRule(source=source, name=name, **given_)


def _mapping(*rules: ColumnRule) -> ColumnMapping:
    return ColumnMapping(source="kunden.csv", columns=rules)


def test_json_says_everything_and_comes_back() -> None:
    mapping = _mapping(
        _rule(levels=("Retail", "Bank"), keep=("NA",), score=0.95, reason="why"),
        _rule("Umsatz", "annual_revenue", kind=Kind.NUMBER, decimal=",", unit="EUR"),
        _rule("Datum", "close_date", role=Role.DATE, kind=Kind.DATE, date_order="dmy"),
        _rule("Tech", "tech_stack", kind=Kind.MULTI, separator=";", confirmed=True),
    )
    text = mapping.to_json()
    assert json.loads(text)["format"] == 1
    assert json.loads(text)["columns"][1]["decimal"] == ","
    assert ColumnMapping.from_json(text) == mapping
    assert ColumnMapping.from_json(text.encode()).to_json() == text


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "not a column mapping"),
        ("[]", "not a column mapping"),
        ('{"source": "x"}', "columns: Field required"),
        ('{"source": "x", "columns": [], "more": 1}', "more: Extra inputs"),
        ('{"format": 2, "source": "x", "columns": []}', "format"),
        ('{"source": "x", "columns": [{"source": "a"}]}', r"columns\.0\.name"),
    ],
)
def test_a_damaged_document_is_refused_by_place(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        ColumnMapping.from_json(text)


def test_a_damaged_document_is_refused_without_its_values() -> None:
    text = '{"source": "x", "columns": [{"source": "a", "name": "secret name!"}]}'
    with pytest.raises(ConfigError) as error:
        ColumnMapping.from_json(text)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Not Snake"},
        {"name": "2nd"},
        {"role": "boss"},
        {"kind": "money"},
        {"decimal": ";"},
        {"date_order": "ydm"},
        {"separator": ""},
        {"score": 2},
        {"surprise": 1},
        {"name": LINE},
    ],
)
def test_a_wrong_change_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MappingError, match="mapped like that"):
        _mapping(_rule()).replace("Branche", **changes)


def test_a_name_may_be_given_once() -> None:
    mapping = _mapping(_rule(), _rule("Sector", "sector"))
    with pytest.raises(MappingError, match="1 repeated name: 'industry'"):
        mapping.replace("Sector", name="industry")


def test_a_change_keeps_the_rest() -> None:
    mapping = _mapping(_rule(levels=("a",)), _rule("Sector", "sector"))
    changed = mapping.replace("Branche", role="ignored")
    assert changed.rule("Branche").role is Role.IGNORED
    assert changed.rule("Branche").levels == ("a",)
    assert changed.rule("Sector") == mapping.rule("Sector")
    assert mapping.rule("Branche").role is Role.FIRST_CONTACT


def test_unknown_columns_are_named() -> None:
    with pytest.raises(MappingError, match="no rule for column 'X'; it has 1 column"):
        _mapping(_rule()).replace("X", role="ignored")


def test_confirm_agrees_to_every_column() -> None:
    confirmed = _mapping(_rule(), _rule("Sector", "sector")).confirm()
    assert [rule.confirmed for rule in confirmed.columns] == [True, True]
    assert confirmed.sources == ("Branche", "Sector")


def test_the_schema_carries_role_kind_unit_and_reason() -> None:
    rule = _rule(
        "Umsatz ", "annual_revenue", kind=Kind.NUMBER, unit="EUR", reason="why"
    )
    (attribute,) = _mapping(rule).schema.attributes
    assert attribute.model_dump() == {
        "name": "annual_revenue",
        "role": Role.FIRST_CONTACT,
        "kind": Kind.NUMBER,
        "label": "Umsatz",
        "unit": "EUR",
        "reason": "why",
    }


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=8),
            st.sampled_from(list(Role)),
            st.sampled_from(list(Kind)),
            st.lists(st.text(max_size=5), max_size=4),
        ),
        max_size=5,
        unique_by=lambda given_: given_[0],
    )
)
def test_any_mapping_comes_back_from_json(
    given_: list[tuple[str, Role, Kind, list[str]]],
) -> None:
    rules = [
        ColumnRule(source=s, name=f"c{i}", role=r, kind=k, levels=tuple(v))
        for i, (s, r, k, v) in enumerate(given_)
    ]
    mapping = _mapping(*rules)
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
