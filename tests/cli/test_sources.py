import json

import pytest

DEALS = """Account Name,Stage,Amount,Close Date
Alpha,Closed Won,"1,234",03/04/2025
Beta,Closed Lost,"2,345",04/05/2025
"""
INVOICES = "Account ID,Invoice Number,Invoice Amount\nC0,i1,10\nC1,i2,20\nX,i3,5\n"


@pytest.fixture
def deals(tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text(DEALS)
    return str(file)


@pytest.fixture
def invoices(tmp_path):
    file = tmp_path / "invoices.csv"
    file.write_text(INVOICES)
    return str(file)


def test_questions_come_with_the_command_that_answers_them(fresh, deals):
    done = fresh("import", deals, "-y")
    assert "icp import --name deals --set 'Close Date:date_order=dmy' (or mdy)" in (
        done.stderr
    )
    assert "Answer 2 questions about the imported data: icp import lists" in done.stdout


def test_a_question_is_answered_without_the_file(fresh, deals):
    fresh("import", deals, "-y")
    answers = ("--set", "Close Date:date_order=dmy", "--set", "Amount:decimal=,")
    found = json.loads(fresh("import", *answers, "--json").stdout)
    asked = [text for text in found["findings"] if "03/04" in text or "1,234" in text]
    assert (found["changed"], asked) == (True, [])
    rules = json.loads(fresh("source", "show", "deals", "--json").stdout)["columns"]
    rule = {r["source"]: r for r in rules}
    assert rule["Close Date"]["date_order"] == "dmy"
    assert rule["Amount"]["decimal"] == ","


def test_a_question_is_answered_beforehand(fresh, deals):
    done = fresh("import", deals, "-y", "--set", "close date:date_order=mdy")
    assert "date_order" not in done.stderr
    assert "Answer 1 question about" in done.stdout


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("Close:date_order=dmy", "has no column 'Close'; did you mean"),
        ("Amount:decimal=x", "column 'Amount' cannot be mapped like that"),
        ("Amount", "is not COLUMN:FIELD=VALUE"),
    ],
)
def test_a_wrong_answer_keeps_nothing(fresh, deals, answer, message):
    before = (fresh.folder / "icp.toml").read_text()
    done = fresh("import", deals, "-y", "--set", answer, code=3)
    assert message in done.stderr
    assert (fresh.folder / "icp.toml").read_text() == before
    assert not list((fresh.folder).glob("sources/*"))


def test_with_two_sources_an_answer_needs_a_name(cli):
    done = cli("import", "--set", "Employees:kind=text", code=3)
    assert done.stderr == (
        "Error: --set needs --name with one of the sources: customers, prospects\n"
    )


def test_refusing_the_second_file_keeps_nothing_of_the_first(fresh, exports):
    names = [str(exports / name) for name in ("customers.csv", "prospects.csv")]
    done = fresh("import", *names, code=130, answer="y\nn\n")
    assert "nothing was changed" in done.stderr
    assert json.loads(fresh("source", "list", "--json").stdout) == []
    assert not list(fresh.folder.glob("sources/*"))


def test_a_file_that_defeats_the_import_leaves_the_workspace_as_it_was(cli, tmp_path):
    before = (cli.folder / "icp.toml").read_text()
    twice = tmp_path / "again.csv"
    twice.write_bytes((cli.folder / "sources" / "customers.csv").read_bytes())
    done = cli("import", str(twice), "-y", code=3)
    assert "source 'customers' already holds the customers" in done.stderr
    assert (cli.folder / "icp.toml").read_text() == before
    assert not (cli.folder / "sources" / "again.csv").exists()


def test_sources_are_listed_with_their_rows(cli):
    lines = cli("source", "list").stdout.splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["customers", "accounts", "90", "sources/customers.csv"],
        ["prospects", "prospects", "6", "sources/prospects.csv"],
    ]


def test_a_mapping_is_shown_with_when_a_column_is_known(cli):
    lines = cli("source", "show", "customers").stdout.splitlines()
    employees = next(line for line in lines if line.startswith("Employees"))
    assert employees.split()[:5] == [
        "Employees",
        "employees",
        "first",
        "contact",
        "number",
    ]


def test_a_source_is_removed_after_agreement(cli):
    refused = cli("source", "remove", "prospects", code=130, answer="n\n")
    assert "Remove source prospects from the workspace? [y/N]" in refused.stderr
    done = cli("source", "remove", "prospects", "-y")
    assert done.stdout.startswith("Removed prospects.")
    assert json.loads(cli("import", "--json").stdout)["prospects"] == 0
    gone = cli("source", "remove", "prospects", "-y", code=3)
    assert "no source 'prospects' in icp.toml" in gone.stderr


def test_the_plan_is_shown_and_written(cli, invoices):
    done = cli("import", invoices, "-y")
    assert "invoices: summed up per customer, matched by id" in done.stdout
    assert "1 row of invoices belongs to no account" in done.stdout
    shown = cli("plan").stdout.splitlines()
    assert shown[0] == "customers: one per row of customers"
    assert shown[1].startswith(
        "customers: with invoices summed up, matched by id: invoices (count of rows)"
    )
    assert shown[-1] == "prospects: one per row of prospects"
    assert "\n[assembly.customers]" not in (cli.folder / "icp.toml").read_text()
    cli("plan", "--write")
    assert "\n[assembly.customers]" in (cli.folder / "icp.toml").read_text()
    again = json.loads(cli("import", "--json").stdout)
    assert not again["changed"]


def test_a_plan_in_json_is_the_document(cli):
    found = json.loads(cli("plan", "--json").stdout)
    assert found["prospects"]["base"] == "prospects"
    assert found["customers"]["joins"] == []


def test_without_an_import_there_is_no_plan(fresh):
    done = fresh("plan", code=4)
    assert done.stderr == (
        "Error: there is no plan for customers or prospects yet; run icp import FILE\n"
    )


def test_rows_of_no_account_are_exported(cli, invoices, tmp_path):
    cli("import", invoices, "-y")
    target = tmp_path / "lost.csv"
    done = cli("export", "unmatched", str(target))
    assert done.stdout.startswith("Wrote ")
    text = target.read_text("utf-8-sig")
    assert "customers: invoices" in text
    assert ",X," in text


def test_no_rows_of_no_account_give_an_empty_list(cli, tmp_path):
    target = tmp_path / "lost.csv"
    assert cli("export", "unmatched", str(target)).stdout == (
        f"Wrote 0 rows to {target}.\n"
    )


def test_customers_are_exported_with_their_outcome(cli, tmp_path):
    target = tmp_path / "customers.csv"
    done = cli("export", "customers", str(target), "--json")
    assert json.loads(done.stdout) == {"file": str(target), "rows": 90}
    header, first, *_ = target.read_text("utf-8-sig").splitlines()
    assert header == (
        "account_id,account_name,industry,employees,customer_status,outcome,"
        "outcome_reason,worth"
    )
    assert first.startswith("C0,Firm 0,Retail,10.0,Bad,regrettable,")


def test_customers_without_outcomes_are_exported_too(fresh, exports, tmp_path):
    fresh("import", str(exports / "customers.csv"), "-y")
    target = tmp_path / "customers.csv"
    fresh("export", "customers", str(target))
    assert "outcome" not in target.read_text("utf-8-sig").splitlines()[0]


def test_quarantined_rows_of_an_unknown_source_are_an_error(cli, tmp_path):
    words = ("export", "quarantine", str(tmp_path / "x.csv"), "--source", "customer")
    assert "did you mean 'customers'?" in cli(*words, code=3).stderr


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (("--encoding", "cp1252"), "Köln"),
        (("--encoding", "cp437"), "K÷ln"),
    ],
)
def test_how_a_file_is_written_can_be_said(fresh, tmp_path, words, row):
    file = tmp_path / "list.csv"
    file.write_bytes("Account ID,City\n1,Köln\n".encode("cp1252"))
    fresh("import", str(file), "-y", *words)
    target = tmp_path / "out.csv"
    fresh("export", "customers", str(target))
    assert row in target.read_text("utf-8-sig")


def test_the_line_of_names_and_the_delimiter_can_be_said(fresh, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("My list\nAccount ID|City\n1|Rome\n2|Oslo\n")
    words = ("--header-line", "2", "--delimiter", "|")
    fresh("import", str(file), "-y", *words)
    (source,) = json.loads(fresh("source", "list", "--json").stdout)
    assert (source["header_line"], source["delimiter"]) == (2, "|")
    shown = json.loads(fresh("source", "show", "list", "--json").stdout)
    assert [rule["source"] for rule in shown["columns"]] == ["Account ID", "City"]


def test_status_says_where_the_workspace_stands(cli, fresh):
    lines = cli("status").stdout.splitlines()
    assert lines[:2] == [
        "Workspace 'Tiny'; ann is admin",
        "Sources: customers (accounts), prospects (prospects)",
    ]
    assert lines[2].endswith(": 90 customers, 6 prospects, 0 rows quarantined")
    assert lines[4:6] == [
        "Profiles: 1, in force: v1",
        "Latest scores: 6 prospects with profile v1",
    ]
    assert fresh("status").stdout == (
        "Workspace 'fresh'; ann is admin\nSources: none yet\n\n"
        "Next:\n  Add your customers: icp import FILE\n"
    )
    assert json.loads(cli("status", "--json").stdout)["labels"]["best"] == 44
