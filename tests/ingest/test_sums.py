from datetime import date

import polars as pl
import pytest

from icp.ingest import ingest
from icp.ingest.assemble import assemble
from icp.ingest.plan import AssemblyPlan, Join
from icp.ingest.propose_plan import Export, deal_ends, sums
from icp.schema import AccountSchema, Kind, Role


def export(object_, /, **columns):
    frame = pl.DataFrame(columns)
    return Export(
        name="it",
        file="it.csv",
        object=object_,
        schema=AccountSchema.infer(frame),
        frame=frame,
    )


def summed_up(tmp_path, object_, text):
    """What the proposed sums of a CSV give per account A, B, C."""
    (tmp_path / "it.csv").write_text(text)
    (tmp_path / "crm.csv").write_text("Account ID\nA\nB\nC\n")
    read = ingest(tmp_path / "it.csv")
    frame = read.accounts.collect()
    it = Export(
        name="it", file="it.csv", object=object_, schema=read.schema, frame=frame
    )
    found = sums(it)
    join = Join(source="it", aggregates=found.aggregates)
    plan = AssemblyPlan(base="crm", joins=(join,), derived=found.derived)
    made = assemble({"crm": ingest(tmp_path / "crm.csv"), "it": read}, plan)
    return made.accounts.collect(), made.schema


@pytest.mark.parametrize(
    ("columns", "won", "lost", "closed"),
    [
        (
            {"deal_stage": ["Closed Won", "Closed Lost", "Offer", None]},
            "deal_stage IN ('Closed Won')",
            "deal_stage IN ('Closed Lost')",
            2,
        ),
        (
            {"deal_status": ["Won", "won deal", "Lost"]},
            "deal_status IN ('Won', 'won deal')",
            "deal_status IN ('Lost')",
            3,
        ),
        ({"is_won": [True, None, False]}, "is_won", "NOT is_won", 2),
    ],
)
def test_deals_end_in_one_of_two_ways(columns, won, lost, closed):
    ends = deal_ends(export("deals", **columns))
    assert (ends.won, ends.lost, ends.closed) == (won, lost, closed)
    assert ends.over == f"({won}) OR ({lost})"


@pytest.mark.parametrize(
    "columns",
    [
        {"amount": [1.0]},
        {"deal_stage": ["Won", "Offer"]},
        {"deal_stage": ["Lost", "Offer"]},
        {"is_won": pl.Series([None, None], dtype=pl.Boolean)},
    ],
)
def test_without_both_ends_nothing_is_guessed(columns):
    assert deal_ends(export("deals", **columns)) is None


def test_deals_come_to_an_outcome_and_revenue(tmp_path):
    text = """Account ID,Deal Name,Stage,Amount
A,a1,Closed Lost,10
A,a2,Closed Won,20
A,a3,Closed Won,30
B,b1,Closed Lost,40
B,b2,Proposal,50
"""
    frame, schema = summed_up(tmp_path, "deals", text)
    assert frame.to_dict(as_series=False) == {
        "account_id": ["A", "B", "C"],
        "deals": [3.0, 2.0, 0.0],
        "deal_outcome": ["won", "open", None],
        "won_amount": [50.0, 0.0, 0.0],
        "revenue": [50.0, 0.0, None],
    }
    roles = {a.name: a.role for a in schema.attributes}
    assert (roles["deal_outcome"], roles["revenue"]) == (Role.OUTCOME, Role.OUTCOME)
    assert (roles["deals"], roles["won_amount"]) == (Role.AFTER_SALE, Role.AFTER_SALE)
    assert schema["deal_outcome"].kind is Kind.CATEGORY


def test_orders_without_a_stage_come_to_revenue_and_a_first_day(tmp_path):
    text = """Account ID,Deal Name,Amount,Created Date
A,a1,10,2024-03-01
A,a2,20,2024-01-31
B,b1,,2024-02-01
"""
    frame, _ = summed_up(tmp_path, "deals", text)
    assert frame.to_dict(as_series=False) == {
        "account_id": ["A", "B", "C"],
        "deals": [2.0, 1.0, 0.0],
        "won_amount": [30.0, None, 0.0],
        "first_order": [date(2024, 1, 31), date(2024, 2, 1), None],
        "revenue": [30.0, None, None],
    }


def test_lines_with_costs_come_to_a_margin(tmp_path):
    text = """Account ID,Invoice Number,Quantity,Line Amount,Line Cost
A,i1,1,10,4
A,i2,2,20,30
B,i3,1,5,1
"""
    frame, _ = summed_up(tmp_path, "invoices", text)
    assert frame.select("account_id", "invoices", "margin").rows() == [
        ("A", 2.0, -4.0),
        ("B", 1.0, 4.0),
        ("C", 0.0, None),
    ]


@pytest.mark.parametrize(
    ("columns", "of"),
    [
        ({"line_amount": [1.0, 2.0]}, "line_amount"),
        ({"invoice_amount": [1.0, None]}, "invoice_amount"),
        ({"quantity": [1.0, 2.0], "unit_price": [1.0, 2.0]}, "quantity * unit_price"),
        ({"line_amount": [1.0, 2.0], "line_cost": [1.0, None]}, "line_amount"),
        (
            {
                "line_amount": [1.0, 2.0],
                "line_cost": [1.0, None],
                "unit_cost": [1.0, 2.0],
                "quantity": [1.0, 2.0],
            },
            "line_amount - unit_cost * quantity",
        ),
    ],
)
def test_invoices_are_summed_up_by_the_best_amount_there_is(columns, of):
    assert sums(export("invoices", **columns)).aggregates[1].of == of


def test_invoices_without_an_amount_are_counted():
    found = sums(export("invoices", invoice_id=["a"]))
    assert [a.name for a in found.aggregates] == ["invoices"]
    assert found.derived == ()


def test_tickets_are_counted_and_their_hours_summed_up(tmp_path):
    text = """Account ID,Ticket ID,Support Hours
A,t1,1.5
A,t2,2
"""
    frame, _ = summed_up(tmp_path, "tickets", text)
    assert frame["tickets"].to_list() == [2.0, 0.0, 0.0]
    hours = [name for name in frame.columns if "hours" in name]
    assert frame[hours[0]].to_list() == [3.5, 0.0, 0.0]


@pytest.mark.parametrize("object_", ["accounts", "prospects", "other"])
def test_lists_are_not_summed_up(object_):
    assert sums(export(object_, account_id=["a"])) is None


def test_a_stage_with_a_quote_is_written_as_sql_does():
    ends = deal_ends(export("deals", deal_stage=["Won", "Lost", "Can't say"]))
    assert ends.lost == "deal_stage IN ('Lost')"


def test_shares_and_kinds_of_columns_that_are_not_there():
    it = export("deals", amount=["ten", None])
    assert (it.filled("amount"), it.filled("stage")) == (0.5, 0.0)
    assert (it.number("amount", "stage"), it.day()) == (None, None)
