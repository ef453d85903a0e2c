from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "Account Name,Industry,Employees\nAcme,Retail,40\nBolt,Steel,7\n"


def write(folder: Path, content: str | bytes, name: str = "accounts.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_plain_file_has_no_findings(tmp_path):
    table = read_table(write(tmp_path, ROWS))
    assert table.frame.columns == ["Account Name", "Industry", "Employees", LINE]
    assert table.frame.rows() == [("Acme", "Retail", "40", 2), ("Bolt", "Steel", "7", 3)]
    assert table.report.findings == ()
    assert table.report.ledger.balanced


def test_strict_refuses_any_finding(tmp_path):
    path = write(tmp_path, ROWS.replace("Acme", "Acmé").encode("cp1252"))
    assert len(read_table(path).report.findings) == 1
    with pytest.raises(SourceError, match="1 finding, and strict"):
        read_table(path, options=ReadOptions(strict=True))
