import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import ConfigError, NotFoundError
from icp.ingest.plan import AssemblyPlan
from icp.workflow import create_workspace

ACCOUNTS = "Account ID,Account Name,Industry\nA,Alpha,Retail\nB,Beta,Mining\n"
INVOICES = """Account ID,Invoice Number,Invoice Amount
A,i1,10
A,i2,20
X,i3,40
"""
PIPELINE = """Stage,Product,Amount
Closed Won,Basic,10
Closed Lost,Pro,20
Proposal,Pro,30
"""


@pytest.fixture
def empty(tmp_path):
    with create_workspace(tmp_path / "new") as workspace:
        yield workspace


def adding(workspace, folder, **texts):
    for name, text in texts.items():
        file = folder / f"{name}.csv"
        file.write_text(text)
        seen = workspace.sources.preview(file)
        workspace.sources.add(file, object=seen.object, mapping=seen.mapping)
    return workspace.imports.run()


def test_accounts_and_invoices_need_no_words(empty, tmp_path):
    summary = adding(empty, tmp_path, accounts=ACCOUNTS, invoices=INVOICES)
    assert [source.object for source in summary.sources] == ["accounts", "invoices"]
    assert summary.how == (
        "customers: one per account of accounts",
        "invoices: summed up per customer, matched by id",
    )
    frame = empty.accounts.table().collect()
    assert_frame_equal(
        frame.select("account_id", "industry", "invoices", "invoiced"),
        pl.DataFrame(
            {
                "account_id": ["A", "B"],
                "industry": ["Retail", "Mining"],
                "invoices": [2.0, 0.0],
                "invoiced": [30.0, None],
            }
        ),
    )
    assert summary.unmatched == {
        "customers: invoices": 1,
        "customers: accounts without invoices": 1,
    }


def test_a_pipeline_alone_gives_customers_and_prospects(empty, tmp_path):
    summary = adding(empty, tmp_path, pipeline=PIPELINE)
    assert (summary.customers, summary.prospects) == (2, 1)
    assert empty.accounts.table().collect()["account_id"].to_list() == [
        "line 2",
        "line 3",
    ]
    ids = empty.accounts.table("prospects").collect()["account_id"].to_list()
    assert ids == ["line 4"]
    assert empty.labels.label().counts["best"] == 1
    assert empty.labels.label().counts["regrettable"] == 1


def test_the_last_proposal_is_remembered_without_reading_again(empty, tmp_path):
    adding(empty, tmp_path, accounts=ACCOUNTS, invoices=INVOICES)
    plan = empty.accounts.plan()
    assert (plan.base, [join.source for join in plan.joins]) == (
        "accounts",
        ["invoices"],
    )
    assert empty.accounts.plan("prospects") is None


def test_a_proposal_is_written_down_once_and_then_stands(empty, tmp_path):
    adding(empty, tmp_path, accounts=ACCOUNTS, invoices=INVOICES)
    proposed, frame = empty.accounts.plan(), empty.accounts.table().collect()
    empty.accounts.keep_plans()
    text = (empty.path / "icp.toml").read_text()
    assert "[assembly.customers]" in text
    assert empty.config.assembly.customers == proposed
    again = empty.imports.run()
    assert not again.changed
    assert_frame_equal(empty.accounts.table().collect(), frame)
    empty.accounts.keep_plans()
    assert (empty.path / "icp.toml").read_text() == text


def test_a_declared_plan_wins_over_any_proposal(empty, tmp_path):
    adding(empty, tmp_path, accounts=ACCOUNTS, invoices=INVOICES)
    config = empty.path / "icp.toml"
    config.write_text(
        config.read_text() + '\n[assembly.customers]\nbase = "accounts"\n'
    )
    empty._session.reload()
    summary = empty.imports.run()
    assert summary.how == ("customers: as [assembly.customers] of icp.toml says",)
    assert empty.accounts.plan() == AssemblyPlan(base="accounts")
    assert "invoiced" not in empty.accounts.table().collect_schema()


def test_a_proposal_that_names_a_gone_source_is_forgotten(empty, tmp_path):
    adding(empty, tmp_path, accounts=ACCOUNTS, invoices=INVOICES)
    empty.sources.remove("invoices")
    assert empty.accounts.plan() is None


def test_nothing_imported_leaves_nothing_to_write(empty):
    assert empty.accounts.plan() is None
    with pytest.raises(NotFoundError, match="nothing imported yet"):
        empty.accounts.keep_plans()


@pytest.mark.parametrize("object_", ["tickets", "other"])
def test_sources_that_tell_about_no_customer_say_what_to_do(empty, tmp_path, object_):
    file = tmp_path / "things.csv"
    file.write_text(ACCOUNTS)
    empty.sources.add(file, object=object_)
    with pytest.raises(ConfigError) as caught:
        empty.imports.run()
    assert str(caught.value) == (
        f"no source tells about customers or prospects ('things' holds {object_}); "
        "import one again with --as accounts, or set object = 'accounts' in icp.toml"
    )
    assert empty.imports.last() is None


def test_deals_of_many_accounts_that_all_won_once_count_one_by_one(empty, tmp_path):
    lines = ["Account Name,Deal Name,Stage,Product"]
    for i in range(40):
        stage = "Closed Won" if i < 20 else "Closed Lost"
        lines.append(f"Firm {i % 20},deal {i},{stage},P{i % 3}")
    summary = adding(empty, tmp_path, deals="\n".join([*lines, ""]))
    assert (summary.customers, summary.how) == (
        40,
        ("customers: one per deal of deals",),
    )
    assert any("nearly all accounts end alike" in str(f) for f in summary.findings)


def test_deals_of_accounts_that_differ_count_per_account(empty, tmp_path):
    lines = ["Account Name,Deal Name,Stage"]
    for i in range(40):
        stage = "Closed Won" if i % 20 < 12 else "Closed Lost"
        lines.append(f"Firm {i % 20},deal {i},{stage}")
    summary = adding(empty, tmp_path, deals="\n".join([*lines, ""]))
    assert summary.customers == 20
    assert empty.labels.label().counts == {
        "best": 12,
        "regrettable": 8,
        "neutral": 0,
        "unknown": 0,
    }


def test_scoring_a_file_uses_all_its_rows_whatever_the_plan_leaves_out(
    scored, tmp_path
):
    config = scored.path / "icp.toml"
    config.write_text(
        config.read_text()
        + '\n[assembly.prospects]\nbase = "prospects"\nwhere = "employees > 30"\n'
    )
    scored._session.reload()
    file = tmp_path / "list.csv"
    file.write_text("Account ID,Industry,Employees\nQ1,Retail,12\nQ2,Mining,40\n")
    assert scored.scores.score_file(file, tmp_path / "out.parquet").rows == 2
