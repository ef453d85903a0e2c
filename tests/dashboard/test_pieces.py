"""What pages say about states of a workspace that take long to bring about."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from icp.dashboard import jobs, outcomes
from icp.dashboard.views import data, home, outliers, prospect
from icp.ingest.result import Ledger, SourceReport
from icp.outcomes import LabelPreview
from icp.qualify.money import Money, Stakes
from icp.store.records import Job, ProfileRecord, ScoreRun
from icp.workflow import ImportSummary, SourceImport, WorkspaceStatus, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = datetime(2026, 3, 9, tzinfo=UTC)
REPORT = SourceReport(
    file="k.csv",
    sheet=None,
    kind="csv",
    sha256="",
    size=0,
    ledger=Ledger(read=7, used=4, header=1, quarantined=2),
    columns=(),
)
IMPORT = ImportSummary(
    number=2,
    created_at=DAY,
    author="ann",
    changed=True,
    customers=1200,
    prospects=0,
    sources=(
        SourceImport(name="k", object="accounts", rows=4, quarantined=2, report=REPORT),
    ),
)
RECORD = ProfileRecord(
    number=3,
    id="0" * 64,
    created_at=DAY,
    author="ann",
    active=True,
    parent=None,
    import_number=2,
    label_number=1,
    best=60,
    regrettable=45,
    evidence="weak",
    auc=0.7,
)
RUN = ScoreRun(
    number=1,
    created_at=DAY,
    author="ann",
    profile=3,
    profile_id="0" * 64,
    import_number=2,
    rows=5000,
    evaluable=4321,
)
STATUS = WorkspaceStatus(
    name="Ours",
    path=Path("space"),
    actor="ann",
    role="admin",
    sources=(),
    last_import=IMPORT,
    labels={"best": 1000, "regrettable": 45, "neutral": 5, "unknown": 2},
    profiles=3,
    active=RECORD,
    last_run=RUN,
    next_steps=("Open the dashboard: icp dashboard",),
)


def test_the_headline_counts_what_there_is() -> None:
    assert home.headline(STATUS) == {
        "Customers": ("1,200", "from 1 file, 9 March 2026"),
        "Best and regrettable": ("1,000 / 45", "7 neutral or too early to tell"),
        "Profile in force": ("v3", "evidence: weak"),
        "Prospects with a fit": ("4,321", "of 5,000, 9 March 2026"),
    }


def test_two_files_are_said_in_the_plural() -> None:
    two = replace(IMPORT, sources=IMPORT.sources * 2)
    basis = home.headline(replace(STATUS, last_import=two))["Customers"][1]
    assert basis == "from 2 files, 9 March 2026"


@pytest.mark.parametrize(
    ("changed", "route", "label"),
    [
        ({}, "prospects", "Go to the prospects"),
        ({"last_run": None}, "data", "Score your prospects"),
        ({"active": None}, "data", "Go to import and learn"),
    ],
)
def test_the_next_page_follows_from_what_is_missing(
    changed: dict[str, Any], route: str, label: str
) -> None:
    assert home.next_page(replace(STATUS, **changed)) == (route, label)


def test_at_most_three_steps_are_said_and_none_that_leads_here() -> None:
    assert home.steps(STATUS) == ("You are up to date. Look through your prospects.",)
    many = replace(STATUS, next_steps=tuple(f"Do {i}: icp do {i}" for i in range(5)))
    assert home.steps(many) == ("Do 0", "Do 1", "Do 2")


def test_lines_of_a_file_are_accounted_for() -> None:
    assert data.ledger(IMPORT).to_dicts() == [
        {
            "file": "k",
            "contents": "accounts",
            "lines read": 7,
            "used": 4,
            "repaired": 0,
            "quarantined": 2,
            "excluded": 1,
            "adds up": "yes",
            "rows": 4,
        }
    ]


@pytest.mark.parametrize(
    ("customers", "prospects", "offered"),
    [
        (0, 3, ["Prospects (3)"]),
        (2000, 0, ["Customers (2,000)"]),
        (2, 3, ["Prospects (3)", "Customers (2)"]),
    ],
)
def test_whom_to_look_at_are_those_that_were_imported(
    customers: int, prospects: int, offered: list[str]
) -> None:
    last = replace(IMPORT, customers=customers, prospects=prospects)
    app = AppTest.from_function(_drawn, args=(outliers.population, last)).run()
    assert not app.exception
    (group,) = app.get("button_group")
    assert [option.content for option in group.proto.options] == offered


def _drawn(draw: type, given: object) -> None:
    # Only the text of this function is run, where nothing of this module is known.
    draw(given)


def test_nobody_far_is_an_empty_list() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a"],
            "account_name": ["A"],
            "distance_closed": [1],
            "novelty_p": [None],
            "quadrant": ["far from best only"],
            "odd": [[]],
        },
        schema_overrides={"novelty_p": pl.Float64, "odd": pl.List(pl.String)},
    )
    assert outliers.farthest(accounts).is_empty()


def test_the_farthest_are_a_hundred_and_ties_are_in_order() -> None:
    accounts = pl.select(
        account_id=pl.format("a{}", pl.int_range(100, 221)),
        account_name=pl.format("A{}", pl.int_range(100, 221)),
        distance_closed=pl.lit(5),
        novelty_p=pl.lit(0.001),
        quadrant=pl.lit("far from both"),
        odd=pl.concat_list(pl.lit("x")),
    )
    far = outliers.farthest(accounts)
    assert far["account_id"].to_list() == [f"a{i}" for i in range(100, 200)]
    assert far["as far"][0] == "0.1 %"


def test_the_newest_work_of_a_kind_counts_whoever_began_it() -> None:
    def job(name: str, kind: Any, at: datetime | None) -> Job:
        return Job(id=name, kind=kind, state="done", actor="x", created_at=at)

    later = DAY.replace(day=10)
    rows = [
        job("old", "learn", DAY),
        job("new", "learn", later),
        job("unknown", "learn", None),
        job("other", "score", later.replace(day=11)),
    ]
    space: Any = SimpleNamespace(jobs=SimpleNamespace(list=lambda: rows))
    found = jobs.newest(space, "learn")
    assert found is not None
    assert found.id == "new"
    assert jobs.newest(space, "import") is None


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("Kunden 2026", "Kunden 2026"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "file"),
        (".hidden", "hidden"),
        ("Müller", "M_ller"),
        ("客户", "file"),
    ],
)
def test_a_file_gets_a_name_that_a_source_may_have(stem: str, name: str) -> None:
    assert data.source_name(stem) == name


def _preview(**counts: int) -> LabelPreview:
    names = ("best", "regrettable", "neutral", "unknown")
    return LabelPreview(
        counts={name: counts.get(name, 0) for name in names},
        money=dict.fromkeys(names),
        median=dict.fromkeys(names),
        examples=pl.DataFrame(),
        reasons=pl.DataFrame(),
    )


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"best": 4, "neutral": 3}, "Not saved yet: -1,000 best, +3 neutral."),
        ({"best": 1004}, "Not saved yet: the same number of each."),
    ],
)
def test_a_moved_number_is_counted_against_what_is_kept(
    after: dict[str, int], said: str
) -> None:
    assert outcomes._difference(_preview(best=1004), _preview(**after)) == said


@pytest.mark.parametrize(
    ("cost", "then"), [(0.0, "change"), (10_000.0, "stay the same")]
)
def test_stakes_say_whether_the_decision_is_safe(cost: float, then: str) -> None:
    chance = 0.5
    stakes = Stakes(value=1_000.0, loss=800.0, cost=cost)
    worth = stakes.pursue(chance)
    money = Money(
        p_profile=chance,
        p=chance,
        p_cured=chance,
        stakes=stakes,
        pursue=worth,
        pursue_cured=worth,
    )
    said = prospect._stakes(money, "EUR")
    assert said.startswith(
        "A best customer is worth 1,000 EUR, a regrettable one costs 800 EUR, and "
        f"pursuing costs {cost:,.0f} EUR."
    )
    assert (f"the decision would {then}." in said) == (
        money.steady == (then != "change")
    )


# -------------------------------------------------------------------- whole pages


@pytest.fixture
def copy(learnt: Path, tmp_path: Path) -> Path:
    return shutil.copytree(learnt, tmp_path / "copy")


def _said(app: AppTest) -> str:
    texts = [*app.markdown, *app.header, *app.subheader]
    plain = "\n".join(str(text.value) for text in texts)
    return plain.replace("\\", "").replace("\u2060", "")


def test_home_shows_five_accounts_that_woke_and_counts_the_rest(
    page: Callable[..., AppTest], copy: Path
) -> None:
    with open_workspace(copy) as space:
        accounts = space.deals.waiting(7)["account_id"].to_list()
        for account in accounts:
            space.deals.answer(account, "reason:no_budget", True, evidence="x")
            space.deals.leave(account)
            space.deals.answer(account, "reason:no_budget", False, evidence="x")
        assert len(space.deals.wake_up()) == 7
    app = page(copy)
    assert not app.exception
    assert "7 accounts are due for another look" in _said(app)
    assert "and 2 more" in _said(app)
    links = [e for e in app.get("page_link") if "account=" in str(e.proto)]
    assert len(links) == 5


def test_a_file_of_reasons_that_cannot_be_read_is_called_by_its_name(
    page: Callable[..., AppTest], copy: Path
) -> None:
    (copy / "reasons.toml").write_text("[[[", encoding="utf-8")
    app = page(copy, "prospect")
    assert not app.exception
    (error,) = app.error
    assert error.value.replace("\\", "").startswith("reasons.toml: not valid TOML")


def test_customers_can_be_looked_at_and_opened_from_the_outliers(
    page: Callable[..., AppTest], copy: Path
) -> None:
    app = page(copy, "outliers", who="customers")
    assert not app.exception
    links = [e for e in app.get("page_link") if "account=" in str(e.proto)]
    far = [f.value for f in app.dataframe if "as far" in f.value]
    assert len(links) == len(far)
    for table in far:
        account = table["account_id"][0]
        assert f"account={account}" in str(links[0].proto)
        opened = page(copy, "prospect", account=account)
        assert not opened.error
        assert table["account_name"][0] in _said(opened)
