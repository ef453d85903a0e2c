"""Addresses are typed, cut short and sent around: none of them may break a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("prospects", {"p": "999"}),
        ("prospects", {"p": "0"}),
        ("prospects", {"p": "-1"}),
        ("prospects", {"p": "two"}),
        ("prospects", {"grade": "Z"}),
        ("prospects", {"order": "by chance"}),
        ("prospects", {"segment": "Best 99: nobody"}),
        ("prospects", {"q": "*[x](http://evil.test)\u202e"}),
        ("prospect", {"way": "Guess"}),
        ("prospect", {"account": ""}),
        ("outliers", {"who": "everybody"}),
        ("disqualifiers", {"state": "Asleep"}),
        ("profile", {"version": "v99"}),
        ("profile", {"tab": "Nothing"}),
        ("data", {"step": "5 Nothing"}),
    ],
)
def test_an_address_that_means_nothing_shows_the_page_as_it_begins(
    page: Callable[..., AppTest], learnt: Path, route: str, query: dict[str, str]
) -> None:
    app = page(learnt, route, **query)
    assert not app.exception
    assert not app.error
    assert app.title


@pytest.mark.parametrize(("number", "rows"), [("2", 20), ("999", 100), ("0", 100)])
def test_a_page_that_is_not_there_is_the_first_one(
    page: Callable[..., AppTest], learnt: Path, number: str, rows: int
) -> None:
    app = page(learnt, "prospects", p=number)
    assert len(app.dataframe[-1].value) == rows


def _heading(app: AppTest, name: str) -> bool:
    plain = [str(h.value).replace("\\", "").replace("\u2060", "") for h in app.header]
    return any(heading.startswith(name) for heading in plain)


def _customer(folder: Path) -> tuple[str, str]:
    with open_workspace(folder) as space:
        row = space.accounts.table().head(1).collect().row(0, named=True)
    return row["account_id"], row["account_name"]


def test_a_link_to_a_customer_shows_that_customer(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    account, name = _customer(learnt)
    app = page(learnt, "prospect", account=account)
    assert not app.exception
    assert app.query_params["account"] == account
    assert _heading(app, name)


def test_a_link_to_nobody_says_so_instead_of_showing_another_company(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "prospect", account="gone")
    assert not app.exception
    assert (
        "no prospect or customer 'gone'" in app.error[0].value.replace("\\", "").lower()
    )
    assert not app.metric


def test_a_search_without_a_hit_is_said_beside_the_company_that_is_open(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "prospect", account="P-20001")
    assert not app.info
    app.text_input(key="find").set_value("no such company").run()
    assert [info.value for info in app.info] == [
        "No prospect has that name or id. Try fewer letters."
    ]
    assert app.query_params["account"] == "P-20001"


def test_another_company_can_be_picked_and_is_in_the_address(
    page: Callable[..., AppTest], learnt: Path
) -> None:
    app = page(learnt, "prospect", account="P-20001")
    for account in ("P-20002", "P-20003"):
        app.text_input(key="find").set_value(account).run()
        app.selectbox(key=f"pick-{account}").set_value(account).run()
        assert not app.exception
        assert app.query_params["account"] == account


def test_an_account_is_shown_before_anything_is_scored(
    page: Callable[..., AppTest], stages: dict[str, Path]
) -> None:
    assert "No prospects are scored yet" in _said(page(stages["in force"], "prospect"))
    app = page(stages["in force"], "prospect", account="P-20001")
    assert not app.exception
    assert not app.error
    assert app.query_params["account"] == "P-20001"
    assert "How the points add up" in [str(header.value) for header in app.header]


def _said(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.markdown)
