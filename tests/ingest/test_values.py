from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.values import (
    cleaned,
    is_missing,
    read_domain,
    read_flag,
    read_items,
    spelling_key,
)

_TEXT = pl.col("text")


def _one(expression: pl.Expr, text: str | None) -> object:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    value = frame.select(expression).item()
    return value.to_list() if isinstance(value, pl.Series) else value


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (" Retail ", "Retail"),
        ("\u00a0Retail\u00a0", "Retail"),
        ("\ufeffRe\u200btail", "Retail"),
        ("Closed\u00a0Won", "Closed Won"),
        ("a\nb", "a\nb"),
        ("   ", None),
        ("", None),
        ("\u200b", None),
        (None, None),
    ],
)
def test_cleaned(text: str | None, clean: str | None) -> None:
    assert _one(cleaned(_TEXT), text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Select", "SELECT", "Unknown", "N/A", "n/a", "NA", "-", "--", "NULL", "None",
        "MISSING", "TBD", "#N/A", "#DIV/0!", "?", ".", "(blank)", "k.A.",
        "Keine Angabe", "unbekannt", "Inconnu", "desconocido", "nan",
    ],
)  # fmt: skip
def test_placeholders_say_nothing(text: str) -> None:
    assert _one(is_missing(_TEXT), text) is True


@pytest.mark.parametrize("text", ["Selected", "0", "No", "Nancy", "NL", "a-b", "Nullo"])
def test_values_are_no_placeholders(text: str) -> None:
    assert _one(is_missing(_TEXT), text) is False


def test_words_can_be_kept() -> None:
    assert _one(is_missing(_TEXT, keep=("NA", "None")), "NA") is False
    assert _one(is_missing(_TEXT, keep=("NA", "None")), "none") is False
    assert _one(is_missing(_TEXT, keep=("NA",)), "N/A") is True


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("yes", True), ("NO", False), ("Y", True), ("n", False), ("true", True),
        ("FALSE", False), ("t", True), ("f", False), ("1", True), ("0", False),
        ("1.0", True), ("ja", True), ("Nein", False), ("oui", True), ("non", False),
        ("sí", True), ("si", True), ("sim", True), ("não", False), ("nao", False),
        ("wahr", True), ("falsch", False), ("maybe", None), ("2", None),
    ],
)  # fmt: skip
def test_flags_in_many_languages(text: str, flag: bool | None) -> None:
    assert _one(read_flag(_TEXT), text) is flag


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("AWS;Azure", ["AWS", "Azure"]),
        (" AWS ; Azure;AWS;", ["AWS", "Azure"]),
        ("AWS", ["AWS"]),
        ("AWS;n/a", ["AWS"]),
        ("n/a;-", None),
        (";", None),
        (None, None),
    ],
)
def test_items(text: str | None, items: list[str] | None) -> None:
    assert _one(read_items(_TEXT, separator=";"), text) == items


def test_items_split_at_their_own_sign_only() -> None:
    assert _one(read_items(_TEXT, separator="|"), "a;b|c") == ["a;b", "c"]


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.com/de?x=1", "acme.com"),
        ("http://acme.co.uk:8080", "acme.co.uk"),
        ("www.acme.com", "acme.com"),
        ("BetaPages.com", "betapages.com"),
        ("sales@acme.com", "acme.com"),
        ("acme", None),
        ("not a site", None),
    ],
)
def test_domains(text: str, domain: str | None) -> None:
    assert _one(read_domain(_TEXT), text) == domain


def test_spellings_that_differ_in_case_and_blanks_share_a_key() -> None:
    frame = pl.DataFrame({"text": ["Closed Won", "closed  won", "Closed Lost"]})
    assert frame.select(spelling_key(_TEXT)).to_series().to_list() == [
        "closed won",
        "closed won",
        "closed lost",
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = _one(cleaned(_TEXT), text)
    assert _one(cleaned(_TEXT), once) == once
    assert once is None or (once == once.strip() and once != "")
