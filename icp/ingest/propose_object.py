"""What the rows of an export are, where nobody has said so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from icp.ingest.fields import guess_object, match_header
from icp.ingest.result import LINE
from icp.schema import Role

if TYPE_CHECKING:
    from icp.ingest.fields import TableObject
    from icp.ingest.result import RawTable


_PROSPECTS: Final = re.compile(r"prospect|lead|target", re.IGNORECASE)
#: What happens to accounts; a file's name never makes prospects of it.
_EVENTS: Final = ("deals", "invoices", "tickets")
#: Columns that only a line of an order or an invoice has.
_LINES: Final = {"quantity", "unit_price", "line_amount", "line_cost", "invoice_id"}
#: An account's id that is in more rows than this on average names events.
_ROWS_PER_ACCOUNT: Final = 2


def propose_object(
    table: RawTable, name: str, /, *, has_customers: bool = False
) -> TableObject:
    """What the rows of a source of that name are: by headers, file name and rows.

    Leads whose outcome is known are the customers where there are no others yet.
    """
    headers = tuple(column for column in table.frame.columns if column != LINE)
    guess = guess_object(headers, table.report.file)
    if guess in _EVENTS:
        return guess
    if guess == "prospects" or _PROSPECTS.search(name):
        return "prospects" if has_customers or not _closed(headers) else "accounts"
    return _events(headers, table) or guess


def _closed(headers: tuple[str, ...]) -> bool:
    """Whether a column says how each row turned out."""
    matches = (match_header(header, "prospects") for header in headers)
    fields = [match.field for match in matches if match]
    ends = [field.kind for field in fields if field.role is Role.OUTCOME]
    return any(kind.has_levels or kind.yes_no for kind in ends)


def _events(headers: tuple[str, ...], table: RawTable) -> TableObject | None:
    """What rows are that name the same accounts again and again."""
    names = {
        header: match.field.name
        for header in headers
        if (match := match_header(header, "invoices"))
    }
    ids = [header for header, name in names.items() if name == "account_id"]
    if not ids or not _repeats(table, ids[0]):
        return None
    return "invoices" if _LINES.intersection(names.values()) else "other"


def _repeats(table: RawTable, header: str) -> bool:
    values = table.frame[header].drop_nulls()
    return len(values) > _ROWS_PER_ACCOUNT * max(1, values.n_unique())
