from __future__ import annotations

import re
import subprocess
import sys

import pytest
from generators.strategies import profile_of, steady_calibration, table_of

from icp.errors import SchemaError
from icp.profile import Abstention, Calibration, Profile, Segment
from icp.scoring import Score, score_one
from icp.scoring.single import _pack

TABLES = (
    table_of("staff", "number", (0, 0, -200, 100), edges=(50.0,), information=300),
    table_of("cloud", "flag", (5, 0, -10, 20), pooled=(0, 9, 8, 7), information=100),
)


def icp(**changes: object) -> Profile:
    given = {"base": 10, "closed": (1, 7, 8), "abstention": Abstention(known=500)}
    return profile_of(TABLES, **{**given, **changes})  # type: ignore[arg-type]  # keywords of profile_of


def test_one_account_whole() -> None:
    assert score_one({"staff": 70, "cloud": True, "other": object()}, icp()) == Score(
        fit=51.3,
        grade="B",
        state="scored",
        why_not="",
        margin=130,
        p_best=0.51,
        p_low=0.413,
        p_high=0.613,
        distance_best=0,
        nearest_best=None,
        distance_regrettable=0,
        nearest_regrettable=None,
        known_fraction=1.0,
        novelty_p=0.75,
        disqualified_by=(),
        points={"staff": 100, "cloud": 20},
        base=10,
    )


def test_an_empty_account_gets_reasons() -> None:
    one = score_one({}, icp())
    assert one.state == "not_evaluable"
    assert one.fit is one.grade is one.p_best is None
    assert one.margin == 15
    assert one.why_not == (
        "only 0% of what the profile looks at is known, 50% is needed"
    )


@pytest.mark.parametrize(
    ("changes", "row", "words"),
    [
        ({"level": "none"}, {"staff": 1}, "do not tell best and regrettable apart"),
        (
            {"calibration": Calibration(method="none")},
            {"staff": 1},
            "do not tell best and regrettable apart",
        ),
        (
            {"abstention": Abstention(known=0, novelty=400), "closed": (1, 2, 3)},
            {"staff": 1, "cloud": False},
            "unlike any customer closed so far",
        ),
        (
            {"abstention": Abstention(known=0, width=150)},
            {"staff": 70, "cloud": True},
            r"too uncertain \(41% to 61%\)",
        ),
        (
            {"abstention": Abstention(known=900, width=150)},
            {"staff": 70},
            r"only 75% .* 90% is needed; the estimate is too uncertain",
        ),
    ],
)
def test_why_not_in_words(
    changes: dict[str, object], row: dict[str, object], words: str
) -> None:
    one = score_one(row, icp(**changes))
    assert one.state == "not_evaluable"
    assert re.search(words, one.why_not)


def test_probabilities_are_rounded_half_up_to_what_is_shown() -> None:
    shown = [
        score_one(
            {"staff": 70, "cloud": True},
            icp(calibration=steady_calibration(shown_step=step), base=base),
        ).p_best
        for step, base in [(0, 10), (1, 10), (50, 129), (50, 130), (50, 4000)]
    ]
    assert shown == [None, 0.513, 0.5, 0.55, 0.9]


def test_equal_profiles_share_their_layout_and_changed_ones_do_not() -> None:
    one = score_one({"staff": 70}, icp())
    assert one == score_one({"staff": 70}, Profile.from_json(icp().to_json()))
    other = icp().model_copy(update={"base": 11})
    assert score_one({"staff": 70}, other).margin == one.margin + 1


def test_a_wrong_type_names_the_column() -> None:
    with pytest.raises(SchemaError, match="'staff' needs a number, not str"):
        score_one({"staff": "70"}, icp())


def test_lanes_do_not_run_into_each_other() -> None:
    most = 2**63
    lanes = _pack(most, 0, 7) + _pack(most - 1, 1, 2**62)
    assert lanes == (2**64 - 1) + (1 << 64) + (2**62 + 7 << 128)


def test_great_distances_keep_their_segment() -> None:
    great = [
        Segment(name=name, kind="best", size=1, surprises=(row, (0,) * 4))
        for name, row in (("far", (0, 0, 0, 1_000_000)), ("near", (0, 0, 0, 999_999)))
    ]
    found = score_one({"staff": 60}, icp(segments=great))
    assert (found.distance_best, found.nearest_best) == (999_999, "near")
    assert score_one({"staff": 6}, icp(segments=great)).nearest_best == "far"


def test_scoring_one_account_touches_no_frame() -> None:
    code = """
import sys
import polars as pl
from icp.scoring import score_one
from generators.strategies import profile_of, table_of
profile = profile_of([table_of("x", "number", (0, 0, 1))])
for name in ("DataFrame", "LazyFrame", "Series", "lit", "col"):
    delattr(pl, name)
print(score_one({"x": 3}, profile).margin)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.split() == ["1"]
