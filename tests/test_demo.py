import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from icp.config import load_config
from icp.demo import (
    AS_OF,
    draw_demo,
    exports,
    prospects_frame,
    write_demo,
    write_prospects_parquet,
)
from icp.demo.__main__ import main
from icp.demo.exports import COLUMNS, accounts_export, deals_export, invoices_export
from icp.demo.history import BEST_FROM, HOUR_COST, LEAKS
from icp.demo.population import (
    ARCHETYPES,
    DISQUALIFIERS,
    DRIFTING,
    NOISE,
    TOOLS,
    with_names,
)
from icp.outcomes import label
from icp.schema import AccountSchema, Attribute, match_to_schema

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def drawn():
    return draw_demo()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo"))


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {"README.md", ".gitignore"}
    }


def cells(path, encoding="utf-8-sig", delimiter=","):
    with path.open(encoding=encoding, newline="") as source:
        return list(csv.reader(source, delimiter=delimiter))


def test_committed_data_is_what_the_generator_writes(files):
    assert contents(DATA) == contents(files.folder)


def test_committed_data_is_small():
    assert sum(map(len, contents(DATA).values())) < 1_800_000


def test_same_arguments_give_the_same_bytes(tmp_path):
    small = {"customers": 60, "prospects": 40}
    first = write_demo(tmp_path / "a", **small)
    second = write_demo(tmp_path / "b", **small)
    third = write_demo(tmp_path / "c", seed=8, **small)
    assert contents(first.folder) == contents(second.folder)
    assert first.truth.read_bytes() != third.truth.read_bytes()


def test_writing_again_replaces_the_files(tmp_path):
    first = contents(write_demo(tmp_path, customers=30, prospects=20).folder)
    again = contents(write_demo(tmp_path, customers=30, prospects=20).folder)
    assert first == again


@pytest.mark.parametrize(("customers", "prospects"), [(1, 1), (3, 0), (25, 13)])
def test_any_size_can_be_written(tmp_path, customers, prospects):
    files = write_demo(tmp_path, customers=customers, prospects=prospects)
    assert len(cells(files.sources["prospects"])) == prospects + 1


def test_dates_move_with_as_of():
    day = date(2020, 2, 29)
    history, _ = draw_demo(customers=200, prospects=5, as_of=day)
    assert history.customers["customer_since"].max() < day
    assert history.invoices["issued"].max() <= day
    assert history.invoices["paid"].max() <= day
    assert history.tickets["opened"].max() < day


def test_every_mapping_is_about_the_files_columns(files):
    for name, path in files.mappings.items():
        mapping = json.loads(path.read_text())
        encoding = "cp1252" if name == "deals" else "utf-8-sig"
        delimiter = ";" if name == "deals" else ","
        header = cells(files.sources[name], encoding, delimiter)[0]
        assert [rule["source"] for rule in mapping["columns"]] == header
        assert all(rule["confirmed"] for rule in mapping["columns"])


def test_no_column_is_mapped_twice():
    for columns in COLUMNS.values():
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)


# ---- what was planted --------------------------------------------------------------


def test_truth_names_everything_that_was_planted(files):
    truth = json.loads(files.truth.read_text())
    assert truth["as_of"] == AS_OF.isoformat()
    assert [s["outcome"] for s in truth["segments"].values()] == (
        ["best"] * 3 + ["regrettable"] * 2
    )
    assert truth["leaks"] == list(LEAKS)
    assert truth["noise"] == list(NOISE)
    assert truth["disqualifiers"] == dict(DISQUALIFIERS)
    assert truth["drift"]["column"] == DRIFTING
    assert len(truth["duplicates"]) == 24
    assert len(truth["odd_prospects"]) == 12


def test_each_customer_has_one_expected_outcome(files, drawn):
    truth = json.loads(files.truth.read_text())
    listed = [member for members in truth["outcomes"].values() for member in members]
    assert sorted(listed) == sorted(drawn[0].customers["account_id"])
    assert set(truth["outcomes"]) == {"best", "regrettable", "neutral", "unknown"}


def naive_worth(history, account):
    bills = [row for row in history.invoices.to_dicts() if row["account_id"] == account]
    cases = [row for row in history.tickets.to_dicts() if row["account_id"] == account]
    income = sum(row["amount"] - row["collection_cost"] for row in bills)
    return income - HOUR_COST * sum(row["hours"] for row in cases)


def test_worth_is_income_less_support_and_collection():
    history, _ = draw_demo(customers=40, prospects=5)
    once = history.customers.filter(pl.col("duplicate_of").is_null())
    for row in once.to_dicts():
        assert row["worth"] == pytest.approx(
            naive_worth(history, row["account_id"]), abs=0.01
        )


def naive_outcome(row):
    if row["worth"] is None:
        return "unknown"
    if row["worth"] < 0 and (row["left"] or row["age"] >= 365):
        return "regrettable"
    if row["age"] < 365:
        return "unknown"
    return "best" if row["worth"] >= BEST_FROM and not row["left"] else "neutral"


def test_outcome_comes_from_money_and_age(drawn):
    rows = drawn[0].customers.to_dicts()
    assert [row["outcome"] for row in rows] == [naive_outcome(row) for row in rows]


def test_policy_in_the_config_says_the_same_as_the_truth(files, drawn):
    history = drawn[0]
    bills = history.invoices.group_by("account_id").agg(
        pl.len().cast(pl.Float64).alias("invoices"),
        pl.col("amount").sum().alias("invoiced"),
        pl.col("collection_cost").sum(),
    )
    cases = history.tickets.group_by("account_id").agg(support_hours=pl.sum("hours"))
    accounts = (
        history.customers.rename({"outcome": "expected", "worth": "expected_worth"})
        .join(bills, on="account_id", how="left")
        .join(cases, on="account_id", how="left")
        .with_columns(
            pl.col("invoices").fill_null(0),
            status=pl.when("left").then(pl.lit("Churned")).otherwise(pl.lit("Active")),
        )
    )
    labelled = label(accounts, load_config(files.config).outcome)
    assert labelled["outcome"].to_list() == labelled["expected"].to_list()
    assert (labelled["worth"] - labelled["expected_worth"]).abs().max() < 0.01


def test_config_reads_the_files_that_were_written(files):
    config = load_config(files.config)
    assert [source.name for source in config.sources] == list(files.sources)
    assert all(
        config.location(source, files.folder) == files.sources[source.name]
        and config.mapping_file(source, files.folder) == files.mappings[source.name]
        for source in config.sources
    )


def test_segments_turn_out_as_planted(drawn):
    judged = drawn[0].customers.filter(pl.col("outcome") != "unknown")
    shares = judged.group_by("archetype").agg(
        best=(pl.col("outcome") == "best").mean(),
        regrettable=(pl.col("outcome") == "regrettable").mean(),
        rows=pl.len(),
    )
    for row in shares.to_dicts():
        outcome = ARCHETYPES[row["archetype"]].outcome
        assert row["rows"] >= 60
        assert outcome == "mixed" or row[outcome] > 0.7


@pytest.mark.parametrize("condition", DISQUALIFIERS.values(), ids=list(DISQUALIFIERS))
def test_disqualifiers_are_mostly_regretted(drawn, condition):
    judged = drawn[0].customers.filter(pl.col("outcome") != "unknown")
    covered = judged.filter(pl.sql_expr(condition))
    assert covered.height >= 30
    assert (covered["outcome"] == "regrettable").mean() > 0.8


@pytest.mark.parametrize("column", [*NOISE, DRIFTING])
def test_noise_says_nothing_about_the_outcome(drawn, column):
    closed = drawn[0].customers.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    rates = closed.group_by(column).agg(
        rate=(pl.col("outcome") == "best").mean(), rows=pl.len()
    )
    common = rates.filter(pl.col("rows") >= 80)["rate"]
    assert common.max() - common.min() < 0.2


def test_only_the_named_column_drifted_in_the_last_year(drawn):
    customers = drawn[0].customers.with_columns(recent=pl.col("age") < 365)

    def moved(column):
        shares = (
            customers.drop_nulls(column)
            .group_by("recent")
            .agg(
                [
                    (pl.col(column) == level).mean().alias(str(level))
                    for level in sorted(customers[column].drop_nulls().unique())
                ]
            )
        )
        return max(
            abs(a - b) for a, b in zip(*shares.drop("recent").rows(), strict=True)
        )

    assert moved(DRIFTING) > 0.4
    assert max(map(moved, ["industry", "crm_used", "lead_source", "territory"])) < 0.12


def test_billing_language_is_filled_in_for_those_who_stay(drawn):
    filled = (
        drawn[0]
        .customers.group_by("outcome")
        .agg(pl.col("billing_language").is_not_null().mean())
    )
    share = dict(filled.rows())
    assert share["best"] > 0.85
    assert share["regrettable"] < 0.25
    assert drawn[1]["billing_language"].is_not_null().mean() < 0.05


def test_duplicates_share_the_web_domain_but_not_the_spelling(drawn):
    customers = drawn[0].customers
    twins = customers.drop_nulls("duplicate_of").join(
        customers, left_on="duplicate_of", right_on="account_id"
    )
    assert twins.height == 24
    assert (twins["domain"] == twins["domain_right"]).all()
    assert (twins["account_name"] != twins["account_name_right"]).all()


def test_odd_prospects_are_unlike_every_customer(drawn):
    odd = drawn[1].filter("odd")
    assert odd.height == 12
    assert odd["employees"].min() > 3 * drawn[0].customers["employees"].max()
    assert not set(odd["industry"]) & set(drawn[0].customers["industry"])


def test_prospects_know_less_than_customers(drawn):
    history, prospects = drawn
    for column in ("annual_revenue", "funding", "buying_process", "headcount_growth"):
        known = history.customers[column].null_count() / history.customers.height
        assert prospects[column].null_count() / prospects.height > 1.5 * known


# ---- warts -------------------------------------------------------------------------


def test_accounts_look_like_a_salesforce_report(files):
    content = files.sources["accounts"].read_bytes()
    text = content.decode("utf-8-sig")
    assert content.startswith(b"\xef\xbb\xbf")
    assert '\n\n"Customers with attributes"\n' in text
    assert text.rstrip().endswith('"Generated By: AE-01 2026-03-31"')
    rows = cells(files.sources["accounts"])
    body = [row for row in rows[1:] if len(row) > 1]
    assert sum(row[0] == "" for row in body) == 3
    assert len(body) - len({tuple(row) for row in body}) == 4
    assert any("\n" in row[3] for row in body)
    assert any('"Unit' in row[3] for row in body)


@pytest.mark.parametrize(
    ("column", "examples"),
    [
        ("Employees", {"51-200", "1001-5000"}),
        ("Annual Revenue", {"ask finance"}),
        ("Funding", {"-", "N/A", "Select", "Unknown", ""}),
        ("Industry", {"LOGISTICS", "software", "Retail "}),
        ("Headcount Growth", {"see notes"}),
    ],
)
def test_values_have_warts(files, column, examples):
    rows = cells(files.sources["accounts"])
    place = rows[0].index(column)
    assert examples <= {row[place] for row in rows[1:] if len(row) > 1}


def test_money_is_written_in_several_ways(files):
    rows = cells(files.sources["prospects"])
    money = [row[rows[0].index("Annual Revenue")] for row in rows[1:]]
    for mark in ("€", "M", "k"):
        assert sum(mark in amount for amount in money) > 50


def test_deals_are_european():
    deal = {
        "account_id": ["C-1"],
        "stage": ["Closed Lost"],
        "amount": [12500.5],
        "created": [date(2024, 1, 31)],
        "closed": [date(2024, 12, 1)],
        "owner": ["AE-01"],
        "lost_reason": ["Price too high"],
        "discount": [15.0],
        "vendors_in_play": [3.0],
        "probability": [0.0],
    }
    lines = deals_export(pl.DataFrame(deal)).decode("cp1252").splitlines()
    assert lines[1] == (
        "C-1;Closed Lost;12.500,50;31.01.2024;01.12.2024;AE-01;"
        "Price > 10.000 €;15 %;3;0"
    )


def test_days_and_months_cannot_be_confused_in_deals(files):
    rows = cells(files.sources["deals"], "cp1252", ";")[1:]
    assert any(int(row[3].split(".")[0]) > 12 for row in rows)
    assert not any(int(row[3].split(".")[1]) > 12 for row in rows)


def test_invoices_end_with_their_total():
    invoice = {
        "invoice": [1, 2],
        "account_id": ["C-1", "C-1"],
        "issued": [date(2024, 1, 1)] * 2,
        "due": [date(2024, 1, 31)] * 2,
        "paid": [None, date(2024, 2, 1)],
        "amount": [1200.0, -200.5],
        "collection_cost": [0.0, 25.0],
    }
    lines = invoices_export(pl.DataFrame(invoice)).decode().splitlines()
    assert lines[1:] == [
        'R1,C-1,2024-01-01,2024-01-31,,"1,200.00",0.00',
        "R2,C-1,2024-01-01,2024-01-31,2024-02-01,-200.50,25.00",
        "Total,,,,,999.50,25.00",
    ]


def test_long_lists_come_in_pieces_under_one_header(drawn, monkeypatch):
    monkeypatch.setattr(exports, "_PIECE", 30)
    rows = drawn[1].head(70)
    pieces = list(exports.prospects_export(rows, np.random.default_rng(0)))
    lines = list(csv.reader(b"".join(pieces).decode().splitlines()))
    assert len(pieces) == 3
    assert [line[0] for line in lines] == ["Record ID", *rows["account_id"]]


def test_lost_deals_belong_to_prospects(drawn):
    history, prospects = drawn
    lost = history.deals.filter(pl.col("stage") == "Closed Lost")
    assert lost.height == 260
    assert lost["account_id"].is_in(prospects["account_id"].implode()).all()
    assert lost["lost_reason"].null_count() == 0


def test_accounts_export_of_nobody_has_a_header_and_a_footer(drawn):
    nobody = drawn[0].customers.clear()
    text = accounts_export(nobody, np.random.default_rng(0), as_of=AS_OF).decode()
    assert text.count("\n") == 6


# ---- by the million ----------------------------------------------------------------


def test_prospects_frame_fits_a_schema():
    frame = prospects_frame(50)
    collected = frame.collect()
    schema = AccountSchema.infer(collected, roles={"account_id": "identifier"})
    assert (
        match_to_schema(frame, schema)
        .collect()
        .equals(collected.with_columns(pl.col("archetype").cast(pl.Float64)))
    )
    assert collected.height == 50
    assert isinstance(schema["tech_stack"], Attribute)
    assert set(collected["tech_stack"].explode().drop_nulls()) <= set(TOOLS)


def test_prospects_frame_gives_what_is_asked_for():
    frame = prospects_frame(300)
    whole = frame.collect()
    assert frame.head(7).collect().equals(whole.head(7))
    assert frame.select("industry").collect().equals(whole.select("industry"))
    few = pl.col("employees") > 500
    assert frame.filter(few).collect().equals(whole.filter(few))


@pytest.mark.slow
def test_prospects_are_the_same_however_they_are_read(tmp_path):
    path = tmp_path / "deep" / "prospects.parquet"
    write_prospects_parquet(path, rows=100_010)
    stored = pl.read_parquet(path)
    assert stored.height == 100_010
    assert stored["account_id"].n_unique() == 100_010
    assert stored.equals(prospects_frame(100_010).collect())


def test_names_are_used_up_before_they_come_again():
    countries = pl.DataFrame({"billing_country": ["Spain"] * 14_977})
    names = with_names(countries, start=3)["account_name"]
    assert names.n_unique() == 14_976
    assert names[0] == names[-1]


def test_module_writes_a_workspace_or_rows(tmp_path):
    main([str(tmp_path / "p.parquet"), "--rows", "5", "--seed", "3"])
    assert pl.read_parquet(tmp_path / "p.parquet").equals(
        prospects_frame(5, seed=3).collect()
    )
