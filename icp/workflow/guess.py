"""What the rows of an export are, where nobody has said so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from icp.ingest.fields import guess_object, match_header
from icp.ingest.result import LINE
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.config import SourceObject, WorkspaceConfig
    from icp.ingest.result import RawTable


_PROSPECTS: Final = re.compile(r"prospect|lead|target", re.IGNORECASE)
#: What happens to accounts; a file's name never makes prospects of it.
_EVENTS: Final = ("deals", "invoices", "tickets")
#: Columns that only a line of an order or an invoice has.
_LINES: Final = {"quantity", "unit_price", "line_amount", "line_cost", "invoice_id"}
#: An account's id that is in more rows than this on average names events.
_ROWS_PER_ACCOUNT: Final = 2
_CLOSED: Final = (Kind.FLAG, Kind.CATEGORY)


def guessed_object(
    config: WorkspaceConfig, name: str, table: RawTable, /
) -> SourceObject:
    """As declared for a source of that name, else by headers, file name and rows.

    Leads whose outcome is known are the customers of a workspace that has no other.
    """
    for source in config.sources:
        if source.name == name:
            return source.object
    headers = tuple(column for column in table.frame.columns if column != LINE)
    found = guess_object(headers, table.report.file)
    if found in _EVENTS:
        return found
    if found == "prospects" or _PROSPECTS.search(name):
        closed = _closed(headers) and not _has_customers(config)
        return "accounts" if closed else "prospects"
    return _events(headers, table) or found


def _has_customers(config: WorkspaceConfig) -> bool:
    return any(source.object not in {"prospects", "other"} for source in config.sources)


def _closed(headers: tuple[str, ...]) -> bool:
    """Whether a column tells how each row turned out."""
    fields = [found.field for h in headers if (found := match_header(h, "prospects"))]
    return any(f.role is Role.OUTCOME and f.kind in _CLOSED for f in fields)


def _events(headers: tuple[str, ...], table: RawTable) -> SourceObject | None:
    """What rows are that name the same accounts again and again."""
    means = {
        h: found.field.name for h in headers if (found := match_header(h, "invoices"))
    }
    ids = [header for header, name in means.items() if name == "account_id"]
    if not ids or not _repeat(table, ids[0]):
        return None
    return "invoices" if _LINES.intersection(means.values()) else "other"


def _repeat(table: RawTable, header: str) -> bool:
    known = table.frame[header].drop_nulls()
    return len(known) > _ROWS_PER_ACCOUNT * max(1, known.n_unique())
