import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from icp.config import load_config
from icp.demo import draw_demo, write_demo
from icp.demo.exports import COLUMNS
from icp.ingest import check_mapping, ingest, propose_mapping, read_table
from icp.ingest.assemble import assemble
from icp.ingest.mapping_rules import ColumnMapping
from icp.outcomes import label

BANDED = "employees"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def truth(files):
    return json.loads(files.truth.read_text())


@pytest.fixture(scope="module")
def drawn():
    return draw_demo()


@pytest.fixture(scope="module")
def sources(files):
    return {
        name: ingest(path, mapping=files.mappings[name])
        for name, path in files.sources.items()
    }


@pytest.fixture(scope="module")
def config(files):
    return load_config(files.config)


@pytest.fixture(scope="module")
def customers(sources, config):
    return assemble(sources, config.assembly.customers)


@pytest.fixture(scope="module")
def prospects(sources, config):
    return assemble(sources, config.assembly.prospects)


@pytest.mark.parametrize(
    ("name", "excluded"),
    [
        ("accounts", {"header": 1, "blank": 1, "footer": 4}),
        ("deals", {"header": 1}),
        ("invoices", {"header": 1, "totals": 1}),
        ("tickets", {"header": 1}),
        ("prospects", {"header": 1}),
    ],
)
def test_every_line_is_accounted_for(sources, name, excluded):
    ledger = sources[name].report.ledger
    assert ledger.balanced
    for kind in ("header", "blank", "footer", "totals", "preamble", "other_tables"):
        assert getattr(ledger, kind) == excluded.get(kind, 0), kind


@pytest.mark.parametrize(
    ("name", "rows", "rejected"),
    [
        ("accounts", 1228, 3),
        ("deals", 1460, 0),
        ("invoices", 2940, 0),
        ("tickets", 3557, 0),
        ("prospects", 5000, 0),
    ],
)
def test_only_rows_without_an_id_are_kept_out(sources, name, rows, rejected):
    assert sources[name].accounts.collect().height == rows
    assert sources[name].rejected.height == rejected


@pytest.mark.parametrize("name", COLUMNS)
def test_saved_mapping_fits_the_file(files, name):
    mapping = ColumnMapping.from_json(files.mappings[name].read_text())
    findings = check_mapping(read_table(files.sources[name]), mapping)
    assert [f for f in findings if f.level != "note"] == []


@pytest.mark.parametrize("name", ["accounts", "prospects"])
def test_attributes_are_called_what_a_fresh_look_would_call_them(files, name):
    fresh = propose_mapping(read_table(files.sources[name]))
    saved = ColumnMapping.from_json(files.mappings[name].read_text())
    names = {rule.source: rule.name for rule in fresh.columns}
    for rule in saved.columns:
        if rule.role.may_be_learnt:
            assert names[rule.source] == rule.name


def test_values_that_cannot_be_read_are_reported(sources):
    found = {
        (f.column, f.line)
        for f in sources["accounts"].report.findings
        if f.code == "type-error"
    }
    assert {column for column, _ in found} >= {"Annual Revenue", "Headcount Growth"}


def learnable(frame, schema):
    names = [attribute.name for attribute in schema.learnable]
    return frame.select("account_id", *names).sort("account_id")


def test_customers_come_out_clean(customers, drawn):
    accounts = customers.accounts.collect()
    names = [
        attribute.name
        for attribute in customers.schema.learnable
        if attribute.name not in {BANDED, "vendors_in_play"}
    ]
    spoiled = ["annual_revenue", "headcount_growth"]
    found = accounts.select("account_id", *names).sort("account_id")
    clean = drawn[0].customers.select("account_id", *names).sort("account_id")
    assert_frame_equal(found.drop(spoiled), clean.drop(spoiled))
    for name, lost in zip(spoiled, (3, 2), strict=True):
        both = found[name].is_not_null()
        assert_series_equal(found[name].filter(both), clean[name].filter(both))
        assert 0 <= found[name].null_count() - clean[name].null_count() <= lost


def test_head_counts_stay_within_their_band(customers, drawn):
    pairs = customers.accounts.collect().join(drawn[0].customers, on="account_id")
    ratio = (pairs["employees"] / pairs["employees_right"]).drop_nulls()
    assert ratio.is_between(0.1, 10).all()
    assert ((ratio - 1).abs() < 1e-9).mean() > 0.6


def test_vendors_in_play_come_from_the_first_deal(customers, drawn):
    pairs = customers.accounts.collect().join(
        drawn[0].customers.filter(pl.col("duplicate_of").is_null()), on="account_id"
    )
    known = pairs.drop_nulls("vendors_in_play_right")
    assert known["vendors_in_play"].equals(known["vendors_in_play_right"])
    assert pairs["vendors_in_play"].null_count() == 0


def test_prospects_come_out_clean(prospects, drawn):
    accounts = prospects.accounts.collect()
    names = [a.name for a in prospects.schema.learnable]
    kept = [n for n in names if n not in {BANDED, "annual_revenue", "headcount_growth"}]
    found = accounts.select("account_id", *kept).sort("account_id")
    assert_frame_equal(found, drawn[1].select("account_id", *kept).sort("account_id"))


def test_both_populations_have_the_same_attributes(customers, prospects):
    kinds = {a.name: (a.role, a.kind) for a in customers.schema.learnable}
    assert kinds == {a.name: (a.role, a.kind) for a in prospects.schema.learnable}


def test_lost_deals_of_strangers_are_listed(customers):
    assert customers.unmatched["deals"].height == 260


def test_labels_are_the_planted_ones(customers, config, truth):
    labelled = label(customers.accounts, config.outcome).collect()
    found = dict(labelled.select("account_id", "outcome").rows())
    expected = {
        account: outcome
        for outcome, members in truth["outcomes"].items()
        for account in members
    }
    assert found == expected


def test_twins_share_their_domain(customers, truth):
    domains = dict(customers.accounts.select("account_id", "domain").collect().rows())
    for twin, first in truth["duplicates"].items():
        assert domains[twin] == domains[first]


def test_reasons_are_words_that_a_person_understands(customers, config):
    labelled = label(customers.accounts, config.outcome).collect()
    reasons = labelled["outcome_reason"].drop_nulls()
    assert reasons.len() == labelled.height
    assert not reasons.str.contains(r"[_{}]").any()


def test_nothing_needs_a_persons_answer(sources, customers, prospects):
    findings = [f for s in sources.values() for f in s.report.findings]
    findings += [*customers.findings, *prospects.findings]
    assert [str(f) for f in findings if f.level == "stop"] == []


def test_known_values_are_not_lost(customers, drawn):
    accounts = customers.accounts.collect()
    for attribute in customers.schema.learnable:
        before = drawn[0].customers[attribute.name].null_count()
        assert accounts[attribute.name].null_count() <= before + 24
    assert accounts["account_id"].is_unique().all()
    assert accounts.height == 1224
    assert isinstance(accounts.schema["tech_stack"], pl.List)
