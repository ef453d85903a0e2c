from datetime import UTC, datetime
from pathlib import Path

import pytest

from icp.cli.screen import (
    _evidence,
    _segment,
    contribution_row,
    mapping_rows,
    run_lines,
    score_line,
    status_lines,
)
from icp.config import SourceConfig
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.profile import Segment
from icp.scoring import Contribution, Score
from icp.store.records import ScoreRun
from icp.workflow import WorkspaceStatus

NOTHING = {
    "fit": None,
    "grade": None,
    "state": "not_evaluable",
    "why_not": "too little is known",
    "margin": 0,
    "p_best": None,
    "p_low": None,
    "p_high": None,
    "distance_best": 0,
    "nearest_best": None,
    "distance_regrettable": 0,
    "nearest_regrettable": None,
    "known_fraction": 0.1,
    "novelty_p": None,
    "disqualified_by": (),
    "points": {},
    "base": 0,
}
SCORED = {**NOTHING, "fit": 82.4, "grade": "A", "state": "scored", "why_not": ""}
INTERVAL = {"p_best": 0.82, "p_low": 0.7, "p_high": 0.91}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (NOTHING, "Cannot be scored: too little is known"),
        (SCORED, "Fit 82.4 of 100, grade A"),
        (
            {**SCORED, **INTERVAL},
            "Fit 82.4 of 100, grade A; among companies like those you closed 82% are "
            "best (70% to 91%)",
        ),
    ],
)
def test_a_score_in_one_sentence(values, words):
    assert score_line(Score(**values)) == words


RUN = ScoreRun(
    number=1,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    author="ann",
    profile=3,
    profile_id="a" * 64,
    import_number=1,
    rows=1200,
    evaluable=1100,
    grades={"B": 100, "A": 1000},
)


def test_a_run_by_grades():
    assert list(run_lines(RUN)) == [
        "1,200 prospects with profile v3: 1,100 scored, 100 cannot be scored (too "
        "little is known, or unlike any customer)",
        "  A: 1,000",
        "  B: 100",
    ]


@pytest.mark.parametrize(("points", "shown"), [(1200, "+1,200"), (-5, "-5"), (0, "+0")])
def test_points_carry_their_sign(points, shown):
    part = Contribution(
        name="industry",
        title="",
        value="Retail",
        points=points,
        text="why",
        known=True,
        lowest=-9,
        highest=9,
    )
    assert contribution_row(part) == ("industry", "Retail", shown, "why")


@pytest.mark.parametrize(
    ("kind", "traits", "words"),
    [
        ("best", ("Retail", "small"), "Best segment S (3 customers): Retail; small"),
        ("regrettable", (), "Regrettable segment S (3 customers): no trait stands out"),
    ],
)
def test_a_segment_in_one_sentence(kind, traits, words):
    segment = Segment(name="S", kind=kind, size=3, traits=traits, surprises=())
    assert _segment(segment) == words


def test_evidence_of_nothing_is_said_plainly():
    assert _evidence("none", 0.5, 0.4, 0.6).startswith("No attribute separates")
    assert "in 80% of cases (70% to 90%)" in _evidence("strong", 0.8, 0.7, 0.9)


def rule(score=0.9, *, confirmed=False, **given):
    values = {"source": "X", "name": "x", "role": "outcome", "kind": "flag"}
    return ColumnRule(**{**values, **given}, score=score, confirmed=confirmed)


@pytest.mark.parametrize(
    ("given", "known", "why"),
    [
        (
            rule(role="known_at_first_contact", reason="the header 'X' means x"),
            "first contact",
            "known name",
        ),
        (
            rule(
                role="known_at_qualification",
                reason="the header 'It''s: X' means x: asked on the call",
            ),
            "qualification",
            "asked on the call",
        ),
        (
            rule(
                0.5,
                role="after_sale",
                reason="its name is not in the dictionary; say when it is known; "
                "3 different values",
            ),
            "after sale?",
            "a guess: unknown name; 3 different values",
        ),
        (
            rule(0.5, confirmed=True, reason="its values are yes and no"),
            "outcome",
            "its values are yes and no",
        ),
    ],
)
def test_a_column_in_one_row(given, known, why):
    mapping = ColumnMapping(source="x.csv", columns=(given,))
    assert list(mapping_rows(mapping)) == [("X", "x", known, "flag", why)]


def state(**given):
    values = {
        "name": "Tiny",
        "path": Path("x"),
        "actor": "ann",
        "role": "rep",
        "sources": (),
        "last_import": None,
        "labels": {},
        "profiles": 0,
        "active": None,
        "last_run": None,
        "next_steps": ("go",),
    }
    return WorkspaceStatus(**{**values, **given})


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "Sources: none yet"),
        (
            {"sources": (SourceConfig(name="crm", path="x", object="deals"),)},
            "Sources: crm (deals)",
        ),
        (
            {"labels": {"best": 1200, "regrettable": 3}},
            "Outcomes: 1,200 best, 3 regrettable",
        ),
        ({"profiles": 2}, "Profiles: 2, in force: none"),
        ({"last_run": RUN}, "Latest scores: 1,200 prospects with profile v3"),
    ],
)
def test_where_a_workspace_stands(given, line):
    assert line in list(status_lines(state(**given)))
    assert next(iter(status_lines(state(**given)))) == "Workspace 'Tiny'; ann is rep"
