from __future__ import annotations

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import ConfigError
from icp.ingest.combine import SourceTable, join_tables
from icp.ingest.plan import Join
from icp.ingest.result import LINE
from icp.schema import AccountSchema


def part(name: str, columns: dict[str, list[object]], **roles: str) -> SourceTable:
    frame = pl.DataFrame(columns)
    roles = {k: v for k, v in roles.items() if k in columns}
    return SourceTable(
        name=name,
        file=f"{name}.csv",
        frame=frame.with_row_index(LINE, offset=2),
        schema=AccountSchema.infer(frame, roles=roles),
    )


def crm(*ids: str | None, **columns: list[object]) -> SourceTable:
    return part("crm", {"account_id": list(ids), **columns}, account_id="identifier")


def erp(*ids: str | None, **columns: list[object]) -> SourceTable:
    return part("erp", {"account_id": list(ids), **columns}, account_id="identifier")


def join(**more: object) -> Join:
    return Join.model_validate({"source": "erp", **more})


def told(joined) -> list[tuple[str, str, int]]:
    return [(f.level, f.code, f.count) for f in joined.table.findings]


# --- fetched -----------------------------------------------------------------------


def test_columns_are_fetched_and_both_sides_listed():
    base = crm("1", "2", "3", size=[4, 5, 6])
    joined = join_tables(base, erp("2", "9", "1", city=["Ulm", "Rom", "Kiel"]), join())
    assert joined.table.frame.rows() == [
        (2, "1", 4, "Kiel"),
        (3, "2", 5, "Ulm"),
        (4, "3", 6, None),
    ]
    assert joined.unmatched["erp"].rows() == [(3, "9")]
    assert joined.unmatched["crm without erp"].rows() == [(4, "3", "no match")]
    assert told(joined) == [("note", "unmatched-rows", 1)]


def test_a_column_of_both_sides_is_left_out_and_told():
    joined = join_tables(crm("1", city=["Ulm"]), erp("1", city=["Rom"]), join())
    assert joined.table.frame["city"].to_list() == ["Ulm"]
    assert told(joined) == [("note", "column-left-out", 1), ("note", "matched-rows", 0)]


def test_columns_asked_for_may_not_be_there_already():
    with pytest.raises(ConfigError, match="1 column: 'city' of 'erp' exist already"):
        join_tables(
            crm("1", city=["Ulm"]), erp("1", city=["Rom"]), join(columns=["city"])
        )


@pytest.mark.parametrize(
    ("keep", "city", "size"), [("first", "Ulm", 4), ("last", "Bonn", 5)]
)
def test_of_rows_with_one_key_the_known_values_are_kept_and_it_is_told(
    keep, city, size
):
    source = erp("1", "1", "1", city=["Ulm", "Bonn", None], size=[None, 4, 5])
    joined = join_tables(crm("1"), source, join(keep=keep))
    assert joined.table.frame.rows() == [(2, "1", city, size)]
    assert told(joined) == [("note", "repeated-key", 2), ("note", "matched-rows", 0)]


def test_rows_without_the_first_key_may_be_found_by_the_second():
    base = crm("1", "2", domain=["a.de", "b.de"])
    source = erp(
        "1", None, None, None,
        domain=[None, "b.de", "x.de", None], city=["Ulm", "Bonn", "Rom", "Kiel"],
    )  # fmt: skip
    joined = join_tables(base, source, join(on=["id", "domain"], keep="last"))
    assert joined.table.frame["city"].to_list() == ["Ulm", "Bonn"]
    assert joined.unmatched["erp"]["line"].to_list() == [4, 5]


def test_a_repeated_id_is_refused_where_nobody_said_which_to_keep():
    with pytest.raises(ConfigError, match="would repeat accounts: 1 values"):
        join_tables(crm("1"), erp("1", "1", city=["Ulm", "Bonn"]), join())


IDS = st.lists(st.sampled_from(["1", "2", "3", None]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "3", "4"]), unique=True, min_size=1), IDS)
def test_fetching_agrees_with_looking_every_row_up(ids, offered):
    cities = [f"city {n}" for n in range(len(offered))]
    joined = join_tables(
        crm(*ids),
        part(
            "erp",
            {
                "account_id": pl.Series(offered, dtype=pl.String),
                "city": pl.Series(cities, dtype=pl.String),
            },
            account_id="identifier",
        ),
        join(keep="last"),
    )
    by_id = dict(zip(offered, cities, strict=True))
    assert joined.table.frame["city"].to_list() == [by_id.get(i) for i in ids]
    idle = [n for n, key in enumerate(offered, start=2) if key is None]
    listed = joined.unmatched["erp"]["line"].to_list()
    assert set(idle) <= set(listed)


# --- summed up ---------------------------------------------------------------------

SUM = [{"name": "paid", "take": "sum", "of": "amount"}, {"name": "n", "take": "count"}]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "2", "3"]), unique=True, min_size=1),
    st.lists(
        st.tuples(st.sampled_from(["1", "2", "9", None]), st.integers(-5, 5)),
        min_size=1,
    ),
)
def test_sums_agree_with_adding_by_hand(ids, rows):
    source = part(
        "erp",
        {
            "account_id": pl.Series([key for key, _ in rows], dtype=pl.String),
            "amount": [float(amount) for _, amount in rows],
        },
        account_id="identifier",
    )
    joined = join_tables(crm(*ids), source, join(aggregates=SUM))
    sums: dict[str, list[float]] = defaultdict(list)
    for key, amount in rows:
        sums[str(key)].append(amount)
    frame = joined.table.frame
    assert frame["paid"].to_list() == [sum(sums[i]) if i in sums else 0 for i in ids]
    assert frame["n"].to_list() == [len(sums.get(i, ())) for i in ids]
    lost = [n for n, (key, _) in enumerate(rows, start=2) if key not in ids]
    assert joined.unmatched["erp"]["line"].to_list() == lost
    assert int(frame["n"].sum()) + len(lost) == len(rows)


def test_a_sum_may_not_take_a_name_that_is_there():
    with pytest.raises(ConfigError, match="give the aggregate another name"):
        join_tables(
            crm("1", paid=[1.0]), erp("1", amount=[2.0]), join(aggregates=SUM[:1])
        )


def test_most_rows_without_an_account_are_a_question():
    source = erp("8", "9", "1", amount=[1.0, 2.0, 3.0])
    joined = join_tables(crm("1"), source, join(aggregates=SUM))
    assert told(joined) == [("ask", "unmatched-rows", 2)]
