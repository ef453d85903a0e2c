from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

ROUTES = [
    "",
    "prospects",
    "prospect",
    "outliers",
    "disqualifiers",
    "profile",
    "data",
]
TABS = [
    ("profile", {"tab": name}) for name in ("Attributes", "Evidence", "Versions")
] + [
    ("data", {"step": name})
    for name in ("2 Quality", "3 Outcomes", "4 Learn and score")
]


def _said(app: AppTest) -> str:
    texts = [*app.markdown, *app.title, *app.header, *app.subheader, *app.info]
    return "\n".join(str(text.value) for text in texts)


def _charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


@pytest.mark.parametrize("route", ROUTES)
def test_every_page_works_where_there_is_nothing_yet(
    page: Callable[..., AppTest], empty: Path, route: str
) -> None:
    app = page(empty, route)
    assert not app.exception
    assert not app.error
    assert _charts(app) == 0


@pytest.mark.parametrize(("route", "query"), TABS)
def test_every_tab_works_where_there_is_nothing_yet(
    page: Callable[..., AppTest], empty: Path, route: str, query: dict[str, str]
) -> None:
    app = page(empty, route, **query)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("route", ROUTES)
def test_every_page_works_with_data(
    page: Callable[..., AppTest], learnt: Path, route: str
) -> None:
    app = page(learnt, route)
    assert not app.exception
    assert not app.error
    assert app.title


@pytest.mark.parametrize(("route", "query"), TABS)
def test_every_tab_works_with_data(
    page: Callable[..., AppTest], learnt: Path, route: str, query: dict[str, str]
) -> None:
    app = page(learnt, route, **query)
    assert not app.exception
    assert not app.error


def test_without_a_workspace_home_says_how_to_make_one(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    assert "icp demo" in _said(page(tmp_path))


def test_without_a_workspace_other_pages_say_so(
    page: Callable[..., AppTest], tmp_path: Path
) -> None:
    app = page(tmp_path, "prospects")
    assert len(app.error) == 1
    assert "icp init" in app.error[0].value


def test_home_names_counts_and_the_next_step(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt)
    labels = [metric.label for metric in app.metric]
    assert labels == [
        "Customers",
        "Best and regrettable",
        "Profile in force",
        "Prospects with a fit",
    ]
    assert app.metric[2].value == "v1"
    assert "Answer 1 question about the imported data" in _said(app)
    assert _charts(app) == 3


def test_a_search_from_the_address_narrows_the_list(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    with open_workspace(learnt) as space:
        row = space.scores.scored().head(1).collect().row(0, named=True)
    app = page(learnt, "prospects", q=row["account_id"])
    shown = app.dataframe[-1].value
    assert list(shown["account_id"]) == [row["account_id"]]
    app.text_input(key="q").set_value("no such company").run()
    assert "No prospects match" in _said(app)


def test_the_list_says_the_verdict_of_each_prospect(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    shown = page(learnt, "prospects").dataframe[-1].value
    with open_workspace(learnt) as space:
        said = [
            space.verdicts.judge(account).verdict.verdict.replace("_", " ")
            for account in shown["account_id"][:5]
        ]
    assert list(shown["verdict"][:5]) == said


def test_pages_of_prospects_follow_one_another(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    first, second = (page(learnt, "prospects", p=str(p)) for p in (1, 2))
    ids = [set(app.dataframe[-1].value["account_id"]) for app in (first, second)]
    assert [len(one) for one in ids] == [100, 20]
    assert not ids[0] & ids[1]


def test_a_prospect_is_explained_by_link(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    with open_workspace(learnt) as space:
        row = space.scores.scored().tail(1).collect().row(0, named=True)
        margin = space.scores.check(row["account_id"]).score.margin
    app = page(learnt, "prospect", account=row["account_id"])
    said = _said(app)
    assert row["account_name"].split()[0] in said
    assert "How the points add up" in said
    assert "Similar customers" in said
    twins = [frame.value for frame in app.dataframe]
    sums = [int(t["points"].iloc[:-1].sum()) for t in twins if "step" in t.columns]
    assert sums == [margin]


def test_a_form_gives_a_fit_for_a_company_nobody_knows(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "prospect", way="Fill in a form")
    assert not app.metric
    app.button(key="FormSubmitter:account-form-Calculate the fit").click().run()
    assert not app.exception
    assert app.metric[3].value == r"0\%"
    assert "No fit is given" in app.warning[0].value


def test_putting_a_version_in_force_is_said_and_logged(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "profile", tab="Versions")
    forward = [b for b in app.button if b.label == "Put v1 in force"]
    assert forward[0].disabled
    back = [b for b in app.button if b.label.startswith("Go back")]
    assert back[0].disabled


def test_labels_are_previewed_and_kept(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "data", step="3 Outcomes")
    keep = next(b for b in app.button if b.label == "Save labels")
    keep.click().run()
    assert not app.exception
    assert app.success[0].value.startswith("Saved")


def test_a_person_who_may_not_import_is_told_so(
    page: Callable[..., AppTest], empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = empty / "icp.toml"
    config.write_text(config.read_text("utf-8") + '\n[roles]\nann = "viewer"\n')
    monkeypatch.setenv("ICP_ACTOR", "ann")
    app = page(empty, "data")
    assert not app.exception
    uploader = app.get("file_uploader")[0]
    uploader.set_value(("c.csv", b"Account ID,Outcome\n1,Best\n", "text/csv")).run()
    assert "needs analyst" in app.error[0].value
