import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.assemble import assemble
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.parse import IngestResult
from icp.ingest.propose_plan import Export, propose_plans
from icp.ingest.result import LINE, Ledger, SourceReport
from icp.schema import Kind, Role

STAGES = ("Closed Won", "Closed Lost", "Proposal", None)
QUIET = settings(deadline=None, max_examples=60)
NAMES = st.sampled_from(["Alpha", "Beta", "Gamma", "Delta", None])
ROWS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(STAGES),
        st.one_of(st.none(), st.integers(-50, 1000).map(float)),
    ),
    min_size=1,
    max_size=30,
)
KINDS = {"amount": Kind.NUMBER, "deal_stage": Kind.CATEGORY}
ROLES = {
    "account_id": Role.IDENTIFIER,
    "account_name": Role.IDENTIFIER,
    "amount": Role.OUTCOME,
    "deal_stage": Role.OUTCOME,
}


def read(name, frame):
    """A frame as if it had been read from a file of that name."""
    rules = tuple(
        ColumnRule(
            source=column,
            name=column,
            role=ROLES.get(column, Role.FIRST_CONTACT),
            kind=KINDS.get(column, Kind.TEXT),
        )
        for column in frame.columns
    )
    mapping = ColumnMapping(source=name, columns=rules)
    lines = frame.height + 1
    return IngestResult(
        accounts=frame.with_row_index(LINE, offset=2).lazy(),
        rejected=pl.DataFrame(),
        report=SourceReport(
            file=f"{name}.csv",
            sheet=None,
            kind="csv",
            sha256="",
            size=0,
            columns=tuple(frame.columns),
            ledger=Ledger(read=lines, used=frame.height, header=1),
        ),
        mapping=mapping,
        schema=mapping.schema,
    )


def made_of(objects, tables):
    """The proposed populations of these tables, with their unmatched rows."""
    exports = [
        Export(
            name=name,
            file=f"{name}.csv",
            object=objects[name],
            schema=table.schema,
            frame=table.accounts.collect(),
        )
        for name, table in tables.items()
    ]
    plans = propose_plans(exports)
    return {name: assemble(tables, found.plan) for name, found in plans.items()}


def deals_of(rows):
    names, stages, amounts = zip(*rows, strict=True)
    return pl.DataFrame(
        {"account_name": names, "deal_stage": stages, "amount": amounts},
        schema={
            "account_name": pl.String,
            "deal_stage": pl.String,
            "amount": pl.Float64,
        },
    )


def outcome_of(stages):
    """The best end of an account's deals, said the long way."""
    if "Closed Won" in stages:
        return "won"
    if any(stage != "Closed Lost" for stage in stages):
        return "open"
    return "lost" if stages else None


def won_amount_of(deals):
    """Null where won deals exist but no amount is known; 0 where none was won."""
    won = [amount for stage, amount in deals if stage == "Closed Won"]
    known = [amount for amount in won if amount is not None]
    if won and not known:
        return None
    return float(sum(known))


@QUIET
@given(ROWS)
def test_deals_per_account_are_those_of_a_loop(rows):
    stages = {stage for _, stage, _ in rows}
    names = {name for name, _, _ in rows}
    if not {"Closed Won", "Closed Lost"} <= stages or names == {None}:
        return
    accounts = pl.DataFrame({"account_name": ["Alpha", "Beta", "Gamma"]})
    tables = {"crm": read("crm", accounts), "deals": read("deals", deals_of(rows))}
    made = made_of({"crm": "accounts", "deals": "deals"}, tables)["customers"]
    if not any(a is not None for _, _, a in rows):
        return
    found = {
        row["account_name"]: row
        for row in made.accounts.collect().iter_rows(named=True)
    }
    for name in ("Alpha", "Beta", "Gamma"):
        own = [(stage, amount) for n, stage, amount in rows if n == name]
        assert found[name]["deals"] == len(own)
        assert found[name]["deal_outcome"] == outcome_of([s for s, _ in own])
        assert found[name]["won_amount"] == won_amount_of(own)
        assert found[name]["revenue"] == (won_amount_of(own) if own else None)


@QUIET
@given(ROWS)
def test_every_deal_counts_once_or_is_listed(rows):
    accounts = pl.DataFrame({"account_name": ["Alpha", "Beta", "Gamma"]})
    stages = {stage for _, stage, _ in rows}
    named = any(name is not None for name, _, _ in rows)
    if not named or not {"Closed Won", "Closed Lost"} <= stages:
        return
    tables = {"crm": read("crm", accounts), "deals": read("deals", deals_of(rows))}
    made = made_of({"crm": "accounts", "deals": "deals"}, tables)["customers"]
    counted = made.accounts.collect()["deals"].sum()
    assert counted + made.unmatched["deals"].height == len(rows)


@QUIET
@given(ROWS)
def test_deals_alone_become_customers_or_prospects_but_never_both(rows):
    nameless = deals_of(rows).drop("account_name")
    made = made_of({"deals": "deals"}, {"deals": read("deals", nameless)})
    ids = [name for frame in frames(made) for name in frame["account_id"]]
    assert sorted(ids) == sorted(f"line {i + 2}" for i in range(len(rows)))


@QUIET
@given(ROWS)
def test_an_account_that_deals_name_is_a_customer_once(rows):
    made = made_of({"deals": "deals"}, {"deals": read("deals", deals_of(rows))})
    for frame in frames(made):
        assert frame["account_id"].is_unique().all()
    total = sum(frame.height for frame in frames(made))
    names = {name for name, _, _ in rows if name is not None}
    assert total in {len(rows), len(names)}


def frames(made):
    return [result.accounts.collect() for result in made.values()]


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_the_sources_changes_nothing(turned):
    accounts = pl.DataFrame({"account_id": ["1", "2"], "size": ["S", "L"]})
    lines = pl.DataFrame({"account_id": ["1", "1", "2"], "amount": [1.0, 2.0, 4.0]})
    tables = {"crm": read("crm", accounts), "erp": read("erp", lines)}
    if turned:
        tables = dict(reversed(tables.items()))
    made = made_of({"crm": "accounts", "erp": "invoices"}, tables)["customers"]
    assert made.accounts.select("account_id", "size", "invoiced").collect().rows() == [
        ("1", "S", 3.0),
        ("2", "L", 4.0),
    ]
