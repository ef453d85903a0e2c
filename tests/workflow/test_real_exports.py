import os
from pathlib import Path

import pytest

from icp.errors import PolicyError
from icp.workflow import create_workspace

DATA = Path(
    os.environ.get("ICP_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")
)
SAMPLES = "ingestion-samples"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the open data are not here"),
]

#: Export(s) -> objects, customers, prospects, best, regrettable; no words from anybody.
WITHOUT_WORDS = {
    "leads that say who converted": (
        ["x-education/Leads-actually-xlsx.csv"],
        (["accounts"], 9240, 0, 3561, 5679),
    ),
    "deals that name no account": (
        ["b2b-salvirt/Salvirt_B2B_ML_dataset.csv"],
        (["deals"], 448, 0, 227, 221),
    ),
    "accounts and their pipeline": (
        ["maven-crm/accounts.csv", "maven-crm/sales_pipeline.csv"],
        (["accounts", "deals"], 85, 0, 21, 21),
    ),
    "accounts that no deal names": (
        [f"zoho-crm-sample/{name}.csv" for name in ("Accounts", "Potentials", "Leads")],
        (["accounts", "deals", "prospects"], 1910, 3900, 1425, 485),
    ),
    "resellers and their order lines": (
        [
            "adventureworks-resellers/Resellers.csv",
            "adventureworks-resellers/FactResellerSales.csv",
        ],
        (["accounts", "invoices"], 701, 0, 158, 324),
    ),
    "a report whose accounts nearly all won once": (
        [f"{SAMPLES}/derived_salesforce_report_latin1.csv"],
        (["deals"], 400, 0, 323, 77),
    ),
    "a German list of offers": (
        [f"{SAMPLES}/derived_european_semicolon_cp1252.csv"],
        (["deals"], 200, 0, None, None),
    ),
    "orders from the days of DOS": (
        [f"{SAMPLES}/dos_cp437_orders.csv"],
        (["deals"], 92, 0, 23, 23),
    ),
    "deals of which one is open": (
        [f"{SAMPLES}/hubspot_deals_messy_excerpt.csv"],
        (["deals"], 9, 1, 4, 5),
    ),
    "invoices alone": (
        [f"{SAMPLES}/currency_text_and_long_dates.csv"],
        (["invoices"], 191, 0, 38, 38),
    ),
    "companies with what they brought": (
        [f"{SAMPLES}/derived_hubspot_companies.csv"],
        (["accounts"], 85, 0, 20, 20),
    ),
}


@pytest.fixture
def empty(tmp_path):
    with create_workspace(tmp_path / "space") as workspace:
        yield workspace


def imported(workspace, names):
    for name in names:
        seen = workspace.sources.preview(DATA / name)
        workspace.sources.add(
            DATA / name, object=seen.object, mapping=seen.mapping, confirm=True
        )
    return workspace.imports.run()


@pytest.mark.parametrize("case", WITHOUT_WORDS)
def test_exports_become_labelled_customers_without_a_word(empty, case):
    names, (objects, customers, prospects, best, regrettable) = WITHOUT_WORDS[case]
    summary = imported(empty, names)
    assert [source.object for source in summary.sources] == objects
    assert (summary.customers, summary.prospects) == (customers, prospects)
    assert all(source.report.ledger.balanced for source in summary.sources)
    counts = empty.labels.label().counts
    if best is not None:
        assert (counts["best"], counts["regrettable"]) == (best, regrettable)
    assert sum(counts.values()) == customers
    assert not empty.imports.run().changed


def test_five_workbooks_become_one_row_per_customer(empty):
    names = sorted(
        f"telco-ibm/{file.name}" for file in (DATA / "telco-ibm").glob("*.xlsx")
    )
    summary = imported(empty, names)
    assert (len(summary.sources), summary.customers) == (5, 7043)
    assert summary.unmatched == {}
    assert empty.accounts.table().collect()["account_id"].is_unique().all()


@pytest.mark.parametrize(
    "name", ["pipe_no_header.csv", "notes_in_spare_columns_latin1.csv"]
)
def test_a_list_without_outcomes_says_what_is_missing(empty, name):
    assert imported(empty, [f"{SAMPLES}/{name}"]).customers > 0
    with pytest.raises(PolicyError, match="add an export with a deal stage"):
        empty.labels.label()
