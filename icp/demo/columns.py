"""The columns of the demo's exports: header, canonical name, role, kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from icp.schema import Kind, Role

__all__ = ["COLUMNS", "Column"]

_A, _B, _C = Role.FIRST_CONTACT, Role.QUALIFICATION, Role.AFTER_SALE
_ID, _NO, _WHO, _WHEN = Role.IDENTIFIER, Role.IGNORED, Role.OWNER, Role.DATE


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of an export."""

    header: str
    name: str
    role: Role = _A
    kind: Kind = Kind.CATEGORY
    unit: str = ""
    date_order: Literal["ymd", "dmy"] | None = None
    decimal: Literal[".", ","] | None = None
    separator: str | None = None


def _money(header: str, name: str, role: Role, decimal: Literal[".", ","]) -> Column:
    return Column(
        header=header,
        name=name,
        role=role,
        kind=Kind.NUMBER,
        unit="EUR",
        decimal=decimal,
    )


def _number(header: str, name: str, role: Role = _A, unit: str = "") -> Column:
    return Column(
        header=header, name=name, role=role, kind=Kind.NUMBER, unit=unit, decimal="."
    )


def _text(header: str, name: str, role: Role) -> Column:
    return Column(header=header, name=name, role=role, kind=Kind.TEXT)


def _date(
    header: str, name: str, order: Literal["ymd", "dmy"], role: Role = _WHEN
) -> Column:
    return Column(header=header, name=name, role=role, kind=Kind.DATE, date_order=order)


_TRAITS: Final = (
    Column(header="Industry", name="industry"),
    _number("Employees", "employees", unit="people"),
    _money("Annual Revenue", "annual_revenue", _A, "."),
    Column(header="Country", name="billing_country"),
    _number("Founded", "year_founded", unit="year"),
    Column(header="Tech Stack", name="tech_stack", kind=Kind.MULTI, separator=";"),
    Column(header="CRM Used", name="crm_used"),
    Column(header="Funding", name="funding"),
    Column(header="Lead Source", name="lead_source"),
    _number("Sites", "sites"),
    _number("Headcount Growth", "headcount_growth", unit="%"),
    Column(header="Buying Process", name="buying_process", role=_B),
    Column(header="Operations Team", name="operations_team", kind=Kind.FLAG),
    Column(header="Hosting", name="hosting"),
    Column(header="Territory", name="territory"),
    Column(header="Fiscal Year End", name="fiscal_year_end"),
    Column(header="Newsletter", name="newsletter", kind=Kind.FLAG),
    Column(header="Billing Language", name="billing_language"),
)

#: The columns of each export, in the file's order, by the source's name.
COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "accounts": (
        _text("Account ID", "account_id", _ID),
        _text("Account Name", "account_name", _ID),
        _text("Website", "domain", _ID),
        _text("Billing Address", "billing_address", _NO),
        *_TRAITS,
        Column(header="Account Owner", name="account_owner", role=_WHO),
        _date("Customer Since", "customer_since", "ymd"),
        _date("Cancelled On", "cancelled_on", "ymd", Role.OUTCOME),
        Column(header="Status", name="status", role=Role.OUTCOME),
        _number("CSAT Score", "csat_score", _C),
        Column(header="Renewal Decision", name="renewal_decision", role=Role.OUTCOME),
    ),
    "deals": (
        _text("Account ID", "account_id", _ID),
        Column(header="Stage", name="stage", role=Role.OUTCOME),
        _money("Amount", "amount", _C, ","),
        _date("Created", "deal_created_date", "dmy"),
        _date("Closed", "close_date", "dmy"),
        Column(header="Owner", name="deal_owner", role=_WHO),
        Column(header="Lost Reason", name="lost_reason", role=Role.OUTCOME),
        _number("Discount", "discount", _C, "%"),
        _number("Vendors in Play", "vendors_in_play", _B),
        _number("Probability (%)", "probability", Role.OUTCOME, "%"),
    ),
    "invoices": (
        _text("Invoice", "invoice_id", _ID),
        _text("Account ID", "account_id", _ID),
        _date("Issued", "issued_on", "ymd"),
        _date("Due", "due_on", "ymd"),
        _date("Paid", "paid_on", "ymd"),
        _money("Amount EUR", "amount", Role.OUTCOME, "."),
        _money("Collection Cost EUR", "collection_cost", Role.OUTCOME, "."),
    ),
    "tickets": (
        _text("Ticket", "ticket_id", _ID),
        _text("Account ID", "account_id", _ID),
        _date("Opened", "opened_on", "ymd"),
        Column(header="Severity", name="severity", role=_C),
        _number("Hours", "support_hours", Role.OUTCOME, "hours"),
    ),
    "prospects": (
        _text("Record ID", "account_id", _ID),
        _text("Company Name", "account_name", _ID),
        _text("Website", "domain", _ID),
        *_TRAITS,
        _number("Vendors in Play", "vendors_in_play", _B),
    ),
}
