from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.ingest.result import (
    ExcludedLine,
    Finding,
    Ledger,
    Original,
    QuarantinedRow,
    SheetInfo,
    SourceReport,
)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "a.csv: told"),
        ({"line": 4}, "a.csv, line 4: told"),
        (
            {"sheet": "S", "line": 4, "column": "C", "action": "do it"},
            "a.csv, sheet 'S', line 4, column 'C': told; do it",
        ),
    ],
)
def test_a_finding_says_where_what_and_what_to_do(fields, text):
    finding = Finding(level="note", code="x", message="told", file="a.csv", **fields)
    assert str(finding) == text


COUNTS = st.integers(0, 50)


@given(used=COUNTS, repaired=COUNTS, quarantined=COUNTS, blank=COUNTS, header=COUNTS)
def test_a_ledger_is_balanced_when_its_parts_add_up(**counts):
    total = sum(counts.values())
    assert Ledger(read=total, **counts).balanced
    assert not Ledger(read=total + 1, **counts).balanced


@given(COUNTS, COUNTS)
def test_moving_lines_to_quarantine_loses_none(used, repaired):
    ledger = Ledger(read=120, used=60, repaired=55, header=1, blank=4)
    moved = ledger.move_to_quarantine(used=used, repaired=repaired)
    assert moved == Ledger(
        read=120, used=60 - used, repaired=55 - repaired,
        quarantined=used + repaired, header=1, blank=4,
    )  # fmt: skip
    assert moved.balanced


def test_what_is_excluded_is_all_that_is_no_row():
    ledger = Ledger(
        read=28, used=7, blank=1, preamble=2, header=3, footer=4, totals=5,
        other_tables=6,
    )  # fmt: skip
    assert ledger.excluded == 21
    assert ledger.balanced


def test_a_row_is_quoted_with_all_its_lines():
    lines = ["a,b\n", '1,"x\n', 'y"\n', "2,z\n"]
    original = Original(
        text=lambda first, last: "".join(lines[first - 1 : last]).rstrip(),
        ends={2: 3},
        repaired=frozenset(),
    )
    assert original.row(2, reason="why") == QuarantinedRow(
        line=2, last_line=3, raw='1,"x\ny"', reason="why"
    )
    assert original.row(4, reason="why").raw == "2,z"


def test_a_report_is_plain_values_and_takes_more_findings():
    finding = Finding(level="ask", code="x", message="told", file="a.csv", line=2)
    report = SourceReport(
        file="a.csv",
        sheet=None,
        kind="csv",
        sha256="0" * 64,
        size=9,
        ledger=Ledger(read=2, used=1, header=1),
        columns=("a",),
        sheets=(SheetInfo(name="S", rows=2, columns=1),),
        excluded=(ExcludedLine(line=1, kind="header", raw="a"),),
    ).with_findings([finding])
    again = report.with_findings([finding])
    assert again.findings == (finding, finding)
    plain = json.loads(json.dumps(asdict(report)))
    assert plain["ledger"]["used"] == 1
    assert plain["findings"][0]["message"] == "told"
    assert plain["excluded"] == [{"line": 1, "kind": "header", "raw": "a"}]
