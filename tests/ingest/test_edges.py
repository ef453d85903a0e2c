"""Odd values and odd files: read in the one way there is, or said to be unreadable."""

from __future__ import annotations

from datetime import date
from math import sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import IcpError
from icp.ingest import ingest
from icp.ingest.values import cleaned, read_domain, with_numbers

HEADER = "account_id,account_name,employees\n"


def number(text):
    return with_numbers(pl.DataFrame({"text": [text]}))["either"].item()


@pytest.mark.parametrize(
    "text", ["1e999", "-1e999", "9" * 400, "9" * 306 + "bn", f"5-{'9' * 400}"]
)
def test_a_number_beyond_all_floats_is_not_read(text):
    assert with_numbers(pl.DataFrame({"text": [text]})).row(0)[1:] == (None,) * 3


@given(
    st.from_regex(r"[-+(<>≥$€]{0,3}[0-9., ']{1,12}([eE%kMbn+)-]{0,3})?", fullmatch=True)
)
def test_whatever_is_read_is_finite(text):
    found = with_numbers(pl.DataFrame({"text": [text]}))
    for name in ("point", "comma", "either"):
        value = found[name].item()
        assert value is None or abs(value) < float("inf")


@pytest.mark.parametrize(
    ("below", "above"), [("<-10", -11.0), ("<-10%", -10.5), ("under -3", -4.0)]
)
def test_below_a_loss_is_at_most_that_loss(below, above):
    assert above < number(below) <= float(below.strip("<under %"))


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["<10", "10-50", "51-200", "200+"], [5, sqrt(500), sqrt(10_200), 200]),
        (["<-10", "-5", "0", "<10"], [-10, -5, 0, 5]),
        (["1 employee", "2-10 employees", "1 seat", "1 user"], [1, sqrt(20), 1, 1]),
        (["0-1", "01-05", "<1M", "1M-10M"], [0.5, sqrt(5), 5e5, sqrt(1e13)]),
    ],
)
def test_bands_become_numbers_in_their_order(texts, values):
    assert [number(text) for text in texts] == pytest.approx(values)


@pytest.mark.parametrize("text", ["acme.com.", "https://www.Acme.com./", "ACME.com."])
def test_the_dot_of_the_root_is_no_part_of_a_domain(text):
    frame = pl.DataFrame({"x": [text]})
    assert frame.select(read_domain(pl.col("x"))).item() == "acme.com"


@pytest.mark.parametrize("code", [0x61C, 0x202A, 0x202C, 0x202E, 0x2066, 0x2069])
def test_marks_of_direction_are_taken_off(code):
    frame = pl.DataFrame({"x": [f"{chr(code)}500{chr(code)}", chr(code)]})
    assert frame.select(cleaned(pl.col("x"))).to_series().to_list() == ["500", None]


# ------------------------------------------------------------------------------ files


def given_file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    return ingest(path)


def rows(result):
    return result.accounts.drop("__line__").collect().rows()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_a_table_is_the_same_in_every_dress(tmp_path, sign, encoding, end):
    lines = ["account_id", "account_name", "employees"], ["7", "Müller", "12"]
    text = "".join(sign.join(line) + end for line in lines)
    assert rows(given_file(tmp_path, text, encoding)) == [("7", "Müller", 12.0)]


@pytest.mark.parametrize(
    "text", ["", " \n \n", HEADER, HEADER + ",,\n,,\n", "account_id\n", "\ufeff"]
)
def test_a_file_without_rows_is_refused_with_what_to_do(tmp_path, text):
    with pytest.raises(IcpError, match="export it again"):
        given_file(tmp_path, text)


def test_a_row_without_any_key_is_kept_out_as_it_came(tmp_path):
    result = given_file(tmp_path, HEADER + '7,Acme,12\n," ",99\n-,N/A,98\n')
    assert rows(result) == [("7", "Acme", 12.0)]
    assert result.rejected["raw"].to_list() == ['," ",99', "-,N/A,98"]
    ledger = result.report.ledger
    assert (ledger.read, ledger.used, ledger.quarantined) == (4, 1, 2)


@pytest.mark.parametrize(
    ("lines", "ids", "raw"),
    [
        ("7,Acme,1\n8,B\n9,C,3\n", ["7", "9"], ["8,B"]),
        ("7,Acme,1\n8,B,2,x\n9,C,3\n", ["7", "9"], ["8,B,2,x"]),
        ("7,Acme,1,,\n8,B,2\n9,C,3,\n", ["7", "8", "9"], []),
    ],
)
def test_ragged_rows_are_kept_out_or_only_have_empty_ends(tmp_path, lines, ids, raw):
    result = given_file(tmp_path, HEADER + lines)
    assert [row[0] for row in rows(result)] == ids
    assert result.rejected["raw"].to_list() == raw


def test_one_odd_number_is_left_out_and_named(tmp_path):
    many = "".join(f"{n},N{n},{n}\n" for n in range(1, 30))
    result = given_file(tmp_path, f"{HEADER}{many}30,Last,1e999\n")
    assert rows(result)[-1] == ("30", "Last", None)
    (said,) = [f for f in result.report.findings if f.column == "employees"]
    assert said.line == 31


def test_the_same_id_twice_is_said_and_both_rows_stay(tmp_path):
    result = given_file(tmp_path, HEADER + "7,Acme,1\n8,B,2\n7,ACME,3\n")
    assert [row[0] for row in rows(result)] == ["7", "8", "7"]
    (said,) = [f for f in result.report.findings if f.code == "unique-error"]
    assert (said.line, said.count) == (4, 1)


def test_days_far_away_are_read_and_asked_about(tmp_path):
    days = ["2024-01-31", "0001-01-01", "9999-12-31", "2024-02-30"]
    lines = "".join(f"{n},N{n},{day}\n" for n, day in enumerate(days))
    result = given_file(tmp_path, "account_id,account_name,created_date\n" + lines)
    assert [row[2] for row in rows(result)] == [
        date(2024, 1, 31),
        date(1, 1, 1),
        date(9999, 12, 31),
        None,
    ]
    asked = [f.message for f in result.report.findings if f.level == "ask"]
    assert any("before 1901 or after 2100" in message for message in asked)


@pytest.mark.parametrize(
    "name", ["=1+1", "<b>x</b>", "🚀 Rocket", "שלום", "日本", "a\tb", "x" * 50_000]
)
def test_a_name_of_any_kind_comes_in_as_it_is(tmp_path, name):
    result = given_file(tmp_path, f"{HEADER}7,{name},1\n8,B,2\n9,C,3\n")
    assert rows(result)[0][1] == name.replace("\t", " ")


def test_names_of_columns_that_are_ours_do_no_harm(tmp_path):
    result = given_file(
        tmp_path, "__line__,outcome,worth,account_id\n1,2,3,7\n4,5,6,8\n"
    )
    frame = result.accounts.collect()
    assert frame["account_id"].to_list() == ["7", "8"]
    assert frame["__line__"].to_list() == [2, 3]
    assert len(set(frame.columns)) == 5
    assert not {"outcome", "outcome_reason"} & set(frame.columns)
