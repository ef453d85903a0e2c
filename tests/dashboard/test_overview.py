from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from icp.dashboard.views import home, outliers
from icp.workflow import WorkspaceStatus

NOTHING = WorkspaceStatus(
    name="Empty",
    path=Path("space"),
    actor="ann",
    role="admin",
    sources=(),
    last_import=None,
    labels={},
    profiles=0,
    active=None,
    last_run=None,
    next_steps=("Add your customers: icp import FILE",),
)


def test_a_new_workspace_has_dashes_and_reasons() -> None:
    assert home.headline(NOTHING) == {
        "Customers": ("–", "nothing imported yet"),
        "Best and regrettable": ("–", "no customers labelled yet"),
        "Profile in force": ("–", "none in force"),
        "Prospects with a fit": ("–", "no prospects scored yet"),
    }


def test_steps_are_said_without_commands() -> None:
    assert home.steps(NOTHING) == ("Add your customers",)
    assert home.next_page(NOTHING)[0] == "data"


def test_kept_labels_are_split_by_count_and_known_worth() -> None:
    labelled = pl.LazyFrame(
        {"outcome": ["best", "best", "unknown"], "worth": [5.0, None, None]}
    )
    assert_frame_equal(
        home.split_of(labelled).sort("outcome"),
        pl.DataFrame(
            {"outcome": ["best", "unknown"], "customers": [2, 1], "worth": [5.0, None]}
        ),
    )


def test_the_farthest_accounts_come_first() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "account_name": ["A", "B", "C"],
            "distance_closed": [10, 30, 20],
            "novelty_p": [0.5, 0.01, 0.02],
            "quadrant": ["ordinary", "far from both", "far from all closed only"],
            "odd": [[], ["Industry: never seen", "Sites: 900"], ["Sites: 900"]],
        }
    )
    assert outliers.farthest(accounts).rows() == [
        ("B", "b", "far from both", "1.0 %", "Industry: never seen · Sites: 900"),
        ("C", "c", "far from all closed only", "2.0 %", "Sites: 900"),
    ]
