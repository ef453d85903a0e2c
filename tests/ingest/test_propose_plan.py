import polars as pl
import pytest

from icp.ingest.plan import AssemblyPlan, Join
from icp.ingest.propose_plan import Export, propose_plans
from icp.schema import AccountSchema, Attribute, Role

OUTCOME = ("deal_stage", "deal_status", "is_won", "amount", "customer_status")
LATE = ("line_amount", "line_cost", "quantity", "unit_price", "loss_reason")


def export(name, object_, **columns):
    frame = pl.DataFrame(columns)
    attributes = [
        attribute.model_copy(update={"role": role_of(attribute)})
        for attribute in AccountSchema.infer(frame).attributes
    ]
    schema = AccountSchema(attributes=tuple(attributes))
    return Export(
        name=name, file=f"{name}.csv", object=object_, schema=schema, frame=frame
    )


def role_of(attribute: Attribute):
    if attribute.name in {"account_id", "account_name", "domain", "deal_id"}:
        return Role.IDENTIFIER
    if attribute.name in OUTCOME:
        return Role.OUTCOME
    return Role.AFTER_SALE if attribute.name in LATE else Role.FIRST_CONTACT


ACCOUNTS = export(
    "crm",
    "accounts",
    account_id=["1", "2"],
    account_name=["Alpha", "Beta"],
    industry=["Retail", "Mining"],
)
DEALS = export(
    "deals",
    "deals",
    account_name=["Alpha", "Alpha", "Beta", "Beta"],
    product=["A", "B", "A", "C"],
    deal_stage=["Won", "Lost", "Open", "Lost"],
    amount=[10.0, 20.0, 30.0, 40.0],
)
NAMELESS = export(
    "deals", "deals", product=["A", "B", "C"], deal_stage=["Won", "Lost", "Offer"]
)


def test_one_list_of_accounts_needs_no_words():
    found = propose_plans([ACCOUNTS])
    assert found.keys() == {"customers"}
    assert found["customers"].plan == AssemblyPlan(base="crm")
    assert (found["customers"].sentences, found["customers"].findings) == ((), ())


def test_nothing_to_make_customers_of_gives_no_plan():
    assert propose_plans([export("tickets", "tickets", account_id=["1"])]) == {}
    assert propose_plans([]) == {}


def test_prospects_are_their_own_list():
    found = propose_plans([export("leads", "prospects", account_id=["1"])])
    assert found.keys() == {"prospects"}
    assert found["prospects"].plan == AssemblyPlan(base="leads")


def test_deals_are_summed_up_per_account():
    found = propose_plans([ACCOUNTS, DEALS])["customers"]
    (join,) = found.plan.joins
    assert (found.plan.base, join.source) == ("crm", "deals")
    assert [(key.by, key.left, key.right) for key in join.on] == [
        ("name", "account_name", "account_name")
    ]
    assert [a.name for a in join.aggregates] == ["deals", "deal_outcome", "won_amount"]
    assert [d.name for d in found.plan.derived] == ["revenue"]
    assert found.sentences == (
        "customers: one per account of crm",
        "deals: summed up per customer, matched by name",
    )


def test_the_surest_key_comes_first():
    both = {"account_id": ["1"], "account_name": ["Alpha"]}
    found = propose_plans(
        [
            export("crm", "accounts", **both, website=["a.example"]),
            export("deals", "deals", **both, email=["x@a.example"], amount=[1.0]),
        ]
    )
    (join,) = found["customers"].plan.joins
    assert [(key.by, key.left, key.right) for key in join.on] == [
        ("id", "account_id", "account_id"),
        ("domain", "website", "email"),
        ("name", "account_name", "account_name"),
    ]
    assert (
        found["customers"]
        .sentences[1]
        .endswith("matched by id, then domain, then name")
    )


def test_a_second_list_of_accounts_is_fetched():
    more = export("erp", "accounts", account_id=["2", "1"], region=["N", "S"])
    plan = propose_plans([ACCOUNTS, more])["customers"].plan
    assert plan.joins == (
        Join(
            source="erp",
            on=({"by": "id", "left": "account_id", "right": "account_id"},),
        ),
    )


def test_a_list_that_repeats_accounts_is_left_out_and_said():
    more = export("other", "other", account_id=["1", "1", "2"], note=["a", "b", "c"])
    found = propose_plans([ACCOUNTS, more])["customers"]
    assert found.plan == AssemblyPlan(base="crm")
    (finding,) = found.findings
    assert (finding.level, finding.column, finding.count) == ("ask", "account_id", 1)
    assert str(finding).startswith(
        "other.csv, column 'account_id': other is not used: 1 row repeat"
    )


def test_a_source_without_a_shared_key_is_left_out_and_said():
    accounts = export("crm", "accounts", account_id=["1"], customer_status=["Active"])
    found = propose_plans([accounts, NAMELESS])["customers"]
    assert found.plan == AssemblyPlan(base="crm")
    assert str(found.findings[0]) == (
        "deals.csv: deals is not used: it shares no account id, domain or account name "
        "with crm; say which column is the account's: "
        "icp import --name deals --set COLUMN:name=account_id"
    )


def test_deals_stand_in_for_accounts_that_tell_nothing():
    found = propose_plans([ACCOUNTS, NAMELESS])
    assert found["customers"].plan.base == "deals"
    levels = [(f.level, f.file) for f in found["customers"].findings]
    assert levels == [("note", "deals.csv"), ("ask", "crm.csv")]
    assert "crm is not used" in found["customers"].findings[1].message


def test_accounts_without_an_id_are_known_by_a_name_that_tells_them_apart():
    named = export("crm", "accounts", account_name=["Alpha", "Beta"])
    assert propose_plans([named])["customers"].plan.key == "account_name"
    twice = export("crm", "accounts", account_name=["Alpha", "Alpha"])
    assert propose_plans([twice])["customers"].plan.key == ""


def test_deals_alone_give_one_customer_per_account_they_name():
    found = propose_plans([DEALS])
    plan = found["customers"].plan
    assert found.keys() == {"customers"}
    assert (plan.base, plan.key, plan.rows) == ("deals", "account_name", "events")
    assert plan.columns == ("account_name", "product")
    assert [join.source for join in plan.joins] == ["deals"]
    assert found["customers"].sentences == ("customers: one per account name of deals",)


def test_deals_that_name_no_account_are_customers_once_closed():
    found = propose_plans([NAMELESS])
    customers, prospects = found["customers"], found["prospects"]
    closed = "(deal_stage IN ('Won')) OR (deal_stage IN ('Lost'))"
    assert customers.plan == AssemblyPlan(base="deals", key="line", where=closed)
    assert prospects.plan == AssemblyPlan(
        base="deals", key="line", where=f"NOT COALESCE({closed}, FALSE)"
    )
    assert customers.sentences == ("customers: one per closed deal of deals",)
    assert prospects.sentences == ("prospects: the deals of deals that are still open",)
    (finding,) = customers.findings
    assert (finding.level, finding.code) == ("note", "assembly")


@pytest.mark.parametrize(
    ("ids", "key"),
    [(["a", "b", "c"], "deal_id"), (["a", "a", "c"], "line"), (["a", None], "line")],
)
def test_a_deal_is_known_by_its_id_where_that_tells_them_apart(ids, key):
    deals = export("deals", "deals", deal_id=ids, is_won=[True] * len(ids))
    assert propose_plans([deals])["customers"].plan.key == key


def test_closed_deals_alone_leave_no_prospects():
    deals = export("deals", "deals", deal_stage=["Won", "Lost"], product=["A", "B"])
    found = propose_plans([deals])
    assert found.keys() == {"customers"}
    assert found["customers"].plan.where == ""
    assert found["customers"].sentences == ("customers: one per deal of deals",)


def test_one_deal_per_account_stays_as_it_is():
    deals = export(
        "deals", "deals", account_name=["A", "B", "C"], is_won=[True, False, None]
    )
    found = propose_plans([deals])
    plan = found["customers"].plan
    assert (plan.key, plan.rows, plan.joins) == ("account_name", "accounts", ())
    assert plan.where == "(is_won) OR (NOT is_won)"
    assert found["prospects"].plan.key == "account_name"


def test_a_name_that_is_often_missing_names_no_customer():
    deals = export(
        "deals", "deals", account_name=["A", None, "C"], is_won=[True, False, True]
    )
    assert propose_plans([deals])["customers"].plan.key == "line"


def test_invoices_alone_give_customers_too_and_deals_come_first():
    lines = export(
        "lines", "invoices", account_id=["1", "1", "2"], line_amount=[1.0, 2.0, 3.0]
    )
    plan = propose_plans([lines])["customers"].plan
    assert (plan.base, plan.key, plan.rows) == ("lines", "account_id", "events")
    assert [join.source for join in plan.joins] == ["lines"]
    both = propose_plans([lines, DEALS])["customers"]
    assert both.plan.base == "deals"
    assert "lines.csv: lines is not used" in str(both.findings[0])


def test_sums_of_the_same_name_do_not_clash():
    more = export("old", "deals", account_name=["Alpha"], amount=[1.0])
    plan = propose_plans([ACCOUNTS, DEALS, more])["customers"].plan
    names = [a.name for join in plan.joins for a in join.aggregates]
    assert len(names) == len(set(names))
