import pytest

from icp.ingest.propose_object import propose_object
from icp.ingest.readers import read_table

LEADS = "Lead ID,Company,Industry,Converted\nL1,Alpha,Retail,Yes\nL2,Beta,Mining,No\n"
PIPELINE = "Opportunity ID,Account,Stage,Amount\nO1,Alpha,Won,10\nO2,Beta,Lost,20\n"
ACCOUNTS = "Account ID,Company,Industry\nA1,Alpha,Retail\nA2,Beta,Mining\n"


def proposal(tmp_path, text, name="export", *, has_customers=False):
    file = tmp_path / f"{name}.csv"
    file.write_text(text)
    return propose_object(read_table(file), name, has_customers=has_customers)


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
    assert proposal(tmp_path, text, name) == found


@pytest.mark.parametrize(
    ("has_customers", "found"), [(True, "prospects"), (False, "accounts")]
)
def test_leads_are_prospects_once_there_are_customers(tmp_path, has_customers, found):
    guess = proposal(tmp_path, LEADS, "leads", has_customers=has_customers)
    assert guess == found


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
    assert proposal(tmp_path, text) == found


def test_an_empty_id_column_says_nothing(tmp_path):
    text = "Account ID,Company\n,Alpha\n,Beta\n,Gamma\n"
    assert proposal(tmp_path, text) == "accounts"
