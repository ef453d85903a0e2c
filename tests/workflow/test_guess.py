import pytest

from icp.config import SourceConfig, WorkspaceConfig
from icp.ingest.readers import read_table
from icp.workflow.guess import guessed_object

EMPTY = WorkspaceConfig()
LEADS = "Lead ID,Company,Industry,Converted\nL1,Alpha,Retail,Yes\nL2,Beta,Mining,No\n"
PIPELINE = "Opportunity ID,Account,Stage,Amount\nO1,Alpha,Won,10\nO2,Beta,Lost,20\n"
ACCOUNTS = "Account ID,Company,Industry\nA1,Alpha,Retail\nA2,Beta,Mining\n"


def guess(tmp_path, text, name="export", config=EMPTY):
    file = tmp_path / f"{name}.csv"
    file.write_text(text)
    return guessed_object(config, name, read_table(file))


def holding(object_, name="there"):
    source = SourceConfig(name=name, path="x.csv", object=object_)
    return WorkspaceConfig(sources=(source,))


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        (ACCOUNTS, "export", "accounts"),
        (ACCOUNTS, "target-list", "prospects"),
        (ACCOUNTS, "prospects", "prospects"),
        (PIPELINE, "sales_pipeline", "deals"),
        (PIPELINE, "leads", "deals"),
        (LEADS, "leads", "accounts"),
        (LEADS.replace("Converted", "Notes"), "leads", "prospects"),
    ],
)
def test_headers_and_names_tell_what_rows_are(tmp_path, text, name, found):
    assert guess(tmp_path, text, name) == found


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ("accounts", "prospects"),
        ("deals", "prospects"),
        ("prospects", "accounts"),
        ("other", "accounts"),
    ],
)
def test_leads_are_prospects_once_there_are_customers(tmp_path, there, found):
    assert guess(tmp_path, LEADS, "leads", holding(there)) == found


def test_what_was_declared_for_the_name_stands(tmp_path):
    assert guess(tmp_path, ACCOUNTS, "x", holding("tickets", "x")) == "tickets"


@pytest.mark.parametrize(
    ("columns", "rows", "found"),
    [
        ("Quantity,Unit Price", 3, "invoices"),
        ("Colour,Size", 3, "other"),
        ("Colour,Size", 2, "accounts"),
    ],
)
def test_rows_that_name_an_account_again_and_again_are_no_accounts(
    tmp_path, columns, rows, found
):
    lines = [f"A{i // rows},{i + 1},{i + 2}" for i in range(4 * rows)]
    text = "\n".join([f"Account ID,{columns}", *lines, ""])
    assert guess(tmp_path, text) == found


def test_an_empty_id_column_says_nothing(tmp_path):
    text = "Account ID,Company\n,Alpha\n,Beta\n,Gamma\n"
    assert guess(tmp_path, text) == "accounts"
