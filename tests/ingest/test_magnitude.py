from __future__ import annotations

import pytest
from generators.raw_tables import raw

from icp.ingest.parse import parse
from icp.ingest.propose_mapping import propose_mapping


def _suspected(values: list[str], header: str = "Price") -> bool:
    table = raw({header: values})
    found = parse(table, propose_mapping(table)).report.findings
    return any("lost their decimal mark" in f.message for f in found)


_LOST = [f"{2_000_000 + 13_217 * i + 1:,}" for i in range(1, 40) if i % 10 != 7]
_PRICES = [f"{20 + i}.{i:02d}" for i in range(30)]


@pytest.mark.parametrize(
    "values",
    [
        [text for text in _LOST if not text.endswith("0")],
        _PRICES + [f"{20_000 + 977 * i}" for i in range(30)],
    ],
)
def test_decimals_that_became_thousands_are_suspected(values: list[str]) -> None:
    assert _suspected(values)


@pytest.mark.parametrize(
    "values",
    [
        [f"{718_620_000 + 10_000 * i:,}" for i in range(30)],
        [f"{1000 + i:,}" for i in range(30)],
        _PRICES,
        [str(i) for i in range(30)],
        _PRICES + [str(25 + i) for i in range(30)],
        _LOST[:5],
        [],
        ["TBD"] * 20,
        ["0"] * 20,
    ],
)
def test_ordinary_numbers_are_not_suspected(values: list[str]) -> None:
    assert not _suspected(values)


def test_the_finding_names_column_line_and_what_to_do() -> None:
    table = raw({"Id": ["a"] * 60, "Price": _PRICES + ["20977"] * 30})
    found = parse(table, propose_mapping(table)).report.findings
    (finding,) = [f for f in found if "lost" in f.message]
    assert (finding.level, finding.column, finding.line) == ("ask", "Price", 2)
    assert "source system" in finding.action
