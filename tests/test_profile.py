from __future__ import annotations

import hashlib
import json
import os
from copy import deepcopy
from typing import Any

import pytest
from generators.strategies import (
    LAWS,
    profile_of,
    profiles,
    steady_calibration,
    table_of,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from icp import profile as module
from icp.errors import ConfigError
from icp.profile import Calibration, Novelty, PairTable, Profile, Segment

FROZEN = "d84a2cd32a76"
NAN, INF = float("nan"), float("inf")
MUTANTS = int(os.environ.get("ICP_EXAMPLES", "1000"))


def small() -> Profile:
    return profile_of(
        [
            table_of(
                "industry", "category", (0, -5, 40, -30), cells=("Retail", "Wine")
            ),
            table_of("staff", "number", (0, 0, -20, 20), edges=(50.0,)),
            table_of("tech=AWS", "multi", (0, 0, -3, 4), value="AWS"),
        ],
        base=7,
        pairs=[PairTable(first="industry", second="staff", points=(0,) * 16)],
        segments=[
            Segment(name="A", kind="best", size=9, surprises=((0,) * 4,) * 3),
            Segment(name="B", kind="regrettable", size=9, surprises=((1,) * 4,) * 3),
        ],
        closed=(100, 200, 200),
    )


def document() -> dict[str, Any]:
    return json.loads(small().to_json())


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    whole = document()
    *way, last = place
    inner = whole
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return whole


# ------------------------------------------------------------------------ round trip


@LAWS
@given(profiles())
def test_a_document_comes_back_as_it_went(profile: Profile) -> None:
    text = profile.to_json()
    back = Profile.from_json(text)
    assert back == profile
    assert back.to_json() == text
    assert back.id == profile.id == hashlib.sha256(text.encode()).hexdigest()
    assert Profile.from_json(text.encode()) == profile


def test_the_document_is_canonical() -> None:
    text = small().to_json()
    whole = json.loads(text)
    assert list(whole) == sorted(whole)
    assert ": " not in text
    shuffled = dict(reversed(list(whole.items())))
    assert Profile.from_json(json.dumps(shuffled, indent=2)).id == small().id


def test_the_hash_is_frozen() -> None:
    assert small().short_id == FROZEN
    assert small().id.startswith(FROZEN)


def test_any_change_is_another_profile() -> None:
    ids = {
        small().id,
        small().model_copy(update={"base": 8}).id,
        Profile.from_json(json.dumps(changed(("tables", 0, "title"), "x"))).id,
        Profile.from_json(json.dumps(changed(("segments", 0, "name"), "x"))).id,
    }
    assert len(ids) == 4


def test_a_copy_forgets_the_hash_and_is_checked() -> None:
    profile = small()
    assert profile.id != profile.model_copy(update={"base": 9}).id
    assert profile.model_copy() == profile
    with pytest.raises(ValidationError, match="two tables"):
        profile.model_copy(update={"tables": profile.tables[:1] * 2})


def test_nothing_can_be_assigned() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        small().base = 3  # type: ignore[misc]  # that it cannot is the test


# -------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (("format",), 2, "newer than 1; upgrade icp"),
        (("format",), True, "no format number"),
        (("format",), "1", "no format number"),
        (("format",), ..., "no format number"),
        (("format",), 0, "format"),
        (("surprise",), 1, "Extra inputs"),
        (("tables", 0, "code"), "import os", "Extra inputs"),
        (("base",), 1.5, "base"),
        (("base",), 10**6 + 1, "base"),
        (("base",), None, "base"),
        (("tables", 0, "points"), [0, 0, 0], "rows must have 4 entries"),
        (("tables", 0, "points", 1), 10**7, "points"),
        (("tables", 0, "pooled", 1), -1, "pooled"),
        (("tables", 0, "best", 1), -1, "best"),
        (("tables", 0, "kind"), "date", "kind"),
        (("tables", 0, "kind"), "multi", "exactly multi tables have a value"),
        (("tables", 0, "levels", 0, 1), 4, "outside the cells"),
        (("tables", 0, "levels", 1, 0), "Retail", "levels must ascend"),
        (("tables", 0, "name"), "", "name"),
        (("tables", 0, "name"), "staff", "same name: 'staff'"),
        (("tables", 0, "name"), "base", "same name: 'base'"),
        (("tables", 0, "name"), "other", "unknown tables"),
        (("tables", 0, "column"), "staff", "read the column 'staff'"),
        (("tables", 2, "column"), "staff", "read the column 'staff'"),
        (("tables", 1, "edges"), [NAN], "finite"),
        (("tables", 1, "edges"), [INF], "finite"),
        (("tables", 1, "edges"), [1.0, 1.0], "ascend"),
        (("tables", 1, "edges"), [1.0, 2.0], "one cell more than edges"),
        (("tables", 2, "cells"), ["no"], "rows must have 3"),
        (("tables", 2, "kind"), "flag", "exactly multi tables have a value"),
        (("tables", 2, "weight"), 1001, "weight"),
        (("pairs", 0, "first"), "nobody", "unknown tables"),
        (("pairs", 0, "points"), [0] * 15, "does not fit its tables"),
        (("segments", 0, "surprises"), [[0] * 4] * 2, "does not fit the tables"),
        (("segments", 0, "surprises", 1), [0] * 5, "does not fit the tables"),
        (("segments", 0, "shares"), [[0] * 4] * 2, "shares do not fit"),
        (("segments", 0, "kind"), "neutral", "kind"),
        (("calibration", "thresholds"), [1, 2], "999 thresholds or none"),
        (("calibration", "thresholds", 0), 10**9, "must ascend"),
        (("calibration", "thresholds", 998), 2**31, "thresholds"),
        (("calibration", "low"), [], "must have 1000 entries"),
        (("calibration", "low", 0), 900, "above its upper one"),
        (("calibration", "grade_cuts"), [1, 2, 3], "grade cuts must descend"),
        (("novelty", "closed"), [3, 2], "must ascend"),
        (("novelty", "closed"), [0] * 1000, "closed"),
        (("novelty", "best"), [2**31], "best"),
        (("abstention", "known"), 1001, "known"),
        (("provenance", "evidence", "auc"), NAN, "finite"),
        (("provenance", "evidence", "auc"), INF, "finite"),
        (("provenance", "evidence", "level"), "certain", "level"),
        (("provenance",), ..., "provenance"),
        (("provenance", "options"), {"x": [1]}, "options"),
    ],
)
def test_a_wrong_document_is_refused(
    place: tuple[Any, ...], value: Any, match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        Profile.from_json(json.dumps(changed(place, value)))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '"x"', "{}", "[" * 100_000, b"\xff\xfe", "1" * 5000],
)
def test_what_is_no_document_is_refused(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="not a profile"):
        Profile.from_json(text)


def test_lone_surrogates_are_refused() -> None:
    text = json.dumps(changed(("tables", 0, "title"), "\ud800"))
    with pytest.raises(ConfigError, match="broken characters"):
        Profile.from_json(text)


def test_the_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    text = small().to_json()
    monkeypatch.setattr(module, "_MAX_BYTES", len(text) - 1)
    with pytest.raises(ConfigError, match="larger than"):
        Profile.from_json(text)


def test_the_number_of_cells_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CELLS", 11)
    with pytest.raises(ValidationError, match="more than 11 cells"):
        small()


def test_sums_must_fit_into_32_bits() -> None:
    most = 1_000_000
    tables = [table_of(f"t{i}", "flag", (0, 0, -most, most)) for i in range(2200)]
    with pytest.raises(ValidationError, match="32 bits"):
        profile_of(tables)
    pooled = (0, 0, most, most)
    with pytest.raises(ValidationError, match="32 bits"):
        profile_of([t.model_copy(update={"pooled": pooled}) for t in tables[:2148]])
    assert profile_of(tables[:2146]).base == 0


def test_an_error_never_shows_values() -> None:
    whole = changed(("tables", 0, "levels", 0, 0), ["secret"])
    with pytest.raises(ConfigError) as caught:
        Profile.from_json(json.dumps(whole))
    assert "secret" not in str(caught.value)


# --------------------------------------------------------------------------- mutants


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from([2**31, 2**63, 10**30, "1", "", -1, 0, 999, 1e308]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=5,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:4])
        if isinstance(value, list)
        else ()
    )
    deeper = [place for step, inner in steps for place in places(inner, (*way, step))]
    return [way, *deeper] if way else deeper


WHOLE = document()
PLACES = places(WHOLE)


@settings(LAWS, max_examples=MUTANTS)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
@example([(("provenance", "evidence", "auc"), NAN)])
def test_a_mutated_document_is_a_profile_or_a_config_error(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    whole = deepcopy(WHOLE)
    for place, value in changes:
        put(whole, place, value)
    try:
        profile = Profile.from_json(json.dumps(whole))
    except ConfigError:
        return
    assert Profile.from_json(profile.to_json()).id == profile.id


def put(whole: Any, place: tuple[Any, ...], value: Any) -> None:
    *way, last = place
    inner = whole
    for step in way:
        if not isinstance(inner, dict | list):
            return
        if isinstance(inner, list) and not (
            isinstance(step, int) and step < len(inner)
        ):
            return
        inner = inner.get(step) if isinstance(inner, dict) else inner[step]
    if isinstance(inner, dict) or (
        isinstance(inner, list) and isinstance(last, int) and last < len(inner)
    ):
        inner[last] = value


@settings(LAWS, max_examples=MUTANTS // 4)
@given(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 40))
def test_damaged_bytes_are_a_profile_or_a_config_error(
    at: int, inserted: bytes, removed: int
) -> None:
    text = small_bytes()
    at %= len(text)
    try:
        Profile.from_json(text[:at] + inserted + text[at + removed :])
    except ConfigError:
        return


def small_bytes() -> bytes:
    return json.dumps(WHOLE).encode()


# ------------------------------------------------------------------------- the parts


def test_cells_in_words() -> None:
    table = small().tables[0]
    words = [table.cell_name(code) for code in range(table.size)]
    assert words == ["not known", "never seen", "Retail", "Wine"]


def test_columns_and_segments() -> None:
    profile = small()
    assert {c: str(k) for c, k in profile.columns.items()} == {
        "industry": "category",
        "staff": "number",
        "tech": "multi",
    }
    assert profile.best_segments == (0,)
    assert profile.regrettable_segments == (1,)
    assert profile.pairs[0].name == "industry*staff"


def test_a_step_counts_thresholds_at_or_below() -> None:
    calibration = steady_calibration(scale=10)
    assert [calibration.step(m) for m in (-4991, -4990, 0, 9, 10, 4990, 10**6)] == [
        *(0, 1, 500, 500, 501, 999, 999)
    ]


@pytest.mark.parametrize(
    ("low", "high", "step", "grade"),
    [
        (800, 900, 850, "A"),
        (700, 800, 760, "A"),
        (700, 800, 740, "B"),
        (300, 800, 600, "A-C"),
        (0, 1000, 500, "A-D"),
        (0, 100, 50, "D"),
    ],
)
def test_a_grade_is_one_letter_unless_the_interval_touches_three(
    low: int, high: int, step: int, grade: str
) -> None:
    calibration = Calibration(
        method="beta",
        thresholds=tuple(range(999)),
        low=(low,) * 1000,
        high=(high,) * 1000,
    )
    assert calibration.grades[step] == grade


def test_no_thresholds_have_no_grades() -> None:
    assert Calibration(method="none").grades == ()
    assert Calibration(method="none").step(5) == 0


def test_distances_may_be_as_many_as_999() -> None:
    assert len(Novelty(closed=(5,) * 999).closed) == 999
