"""Clean frames to CRM exports, with the flaws that real ones have."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from numpy.typing import NDArray


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


_Rows = list[list[str]]

_BANDS: Final = (
    *((10, "1-10"), (50, "11-50"), (200, "51-200"), (500, "201-500")),
    *((1000, "501-1000"), (5000, "1001-5000"), (10_000, "5001-10000")),
)
_PLACEHOLDERS: Final = ("", "", "", "", "-", "N/A", "Select", "Unknown")
_PIECE: Final = 50_000
_STREETS: Final = ("Mühlweg", "Harbour Road", "Rue Neuve", "Lindenallee", "Kade")


def accounts_export(
    customers: pl.DataFrame, rng: np.random.Generator, /, *, as_of: date
) -> bytes:
    """A Salesforce-like report: BOM, everything quoted, a footer after a blank line.

    Holds repeated rows, rows without a name and line breaks inside addresses.
    """
    count = customers.height
    texts = _with_messy_traits(customers, rng).with_columns(
        domain=pl.Series(_each(customers["domain"], _website, rng.random(count))),
        billing_address=pl.Series(_addresses(count, rng)),
        account_owner="owner",
        status=pl.when("left").then(pl.lit("Churned")).otherwise(pl.lit("Active")),
    )
    rows = _rows(texts, "accounts")
    _spoil(rows, "Annual Revenue", "ask finance", "accounts", (17, 141, 803))
    _spoil(rows, "Headcount Growth", "see notes", "accounts", (35, 362))
    rows += [list(rows[place]) for place in (5, 250, 611, 902) if place < len(rows)]
    rows += [["", "", "", *row[3:]] for row in rows[7:10]]
    footer = (
        "\n\n"
        '"Customers with attributes"\n'
        f'"Copyright (c) 2000-{as_of.year} salesforce.com, inc. All rights reserved."\n'
        '"Confidential Information - Do Not Distribute"\n'
        f'"Generated By: AE-01 {as_of:%Y-%m-%d}"\n'
    )
    text = _csv("accounts", rows, quoting=csv.QUOTE_ALL, lineterminator="\n")
    return (text.rstrip("\n") + footer).encode("utf-8-sig")


def deals_export(deals: pl.DataFrame, /) -> bytes:
    """A European export: semicolons, decimal commas, d.m.y dates, Windows-1252."""
    texts = deals.sort("created", "account_id").select(
        "account_id",
        "stage",
        _comma_money("amount").alias("amount"),
        pl.col("created").dt.strftime("%d.%m.%Y").alias("deal_created_date"),
        pl.col("closed").dt.strftime("%d.%m.%Y").alias("close_date"),
        pl.col("owner").alias("deal_owner"),
        pl.col("lost_reason").replace({"Price too high": "Price > 10.000 €"}),
        _whole("discount") + " %",
        _whole("vendors_in_play"),
        _whole("probability"),
    )
    text = _csv("deals", _rows(texts, "deals"), delimiter=";", lineterminator="\r\n")
    return text.encode("cp1252")


def invoices_export(invoices: pl.DataFrame, /) -> bytes:
    """An accounting export: thousands separators, credit notes below zero, a total."""
    texts = invoices.select(
        pl.format("R{}", "invoice").alias("invoice_id"),
        "account_id",
        pl.col("issued").dt.strftime("%Y-%m-%d").alias("issued_on"),
        pl.col("due").dt.strftime("%Y-%m-%d").alias("due_on"),
        pl.col("paid").dt.strftime("%Y-%m-%d").alias("paid_on"),
        _thousands("amount"),
        _thousands("collection_cost"),
    )
    sums = [f"{invoices[name].sum():,.2f}" for name in ("amount", "collection_cost")]
    rows = [*_rows(texts, "invoices"), ["Total", "", "", "", "", *sums]]
    return _csv("invoices", rows, lineterminator="\n").encode()


def tickets_export(tickets: pl.DataFrame, rng: np.random.Generator, /) -> bytes:
    """A help desk's export: CRLF lines, levels in mixed case."""
    texts = tickets.select(
        pl.format("T{}", "ticket").alias("ticket_id"),
        "account_id",
        pl.col("opened").dt.strftime("%Y-%m-%d").alias("opened_on"),
        pl.Series("severity", _mixed_case(tickets["severity"].to_list(), rng)),
        pl.col("hours")
        .map_elements(lambda h: f"{h:g}", pl.String)
        .alias("support_hours"),
    )
    return _csv("tickets", _rows(texts, "tickets"), lineterminator="\r\n").encode()


def prospects_export(
    prospects: pl.DataFrame, rng: np.random.Generator, /
) -> Iterator[bytes]:
    """A HubSpot-like list: several values in one cell, many values unknown.

    Comes in pieces, so that millions of rows need not be text all at once.
    """
    for start in range(0, max(1, prospects.height), _PIECE):
        piece = prospects.slice(start, _PIECE)
        texts = _with_messy_traits(piece, rng).with_columns(
            vendors_in_play=_whole("vendors_in_play")
        )
        rows = _rows(texts, "prospects")
        _spoil(rows, "Annual Revenue", "ask finance", "prospects", (44, 1206))
        text = _csv("prospects", rows, lineterminator="\n")
        yield (text if start == 0 else text.split("\n", 1)[1]).encode()


def _with_messy_traits(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows = frame.height
    texts = {
        "employees": _each(frame["employees"], _employees, rng.random(rows)),
        "annual_revenue": _each(frame["annual_revenue"], _revenue, rng.random(rows)),
        "industry": _mixed_case(frame["industry"].to_list(), rng),
        "crm_used": _mixed_case(frame["crm_used"].to_list(), rng),
    }
    gaps = np.array(_PLACEHOLDERS)
    return frame.with_columns(
        *(pl.Series(name, values, dtype=pl.String) for name, values in texts.items()),
        _whole("year_founded"),
        _whole("sites"),
        pl.format("{}%", pl.col("headcount_growth")),
        pl.col("tech_stack").list.join("; "),
        _yes_no("operations_team"),
        _yes_no("newsletter"),
    ).with_columns(
        pl.col(name).fill_null(pl.Series(gaps[rng.integers(0, len(gaps), rows)]))
        for name in ("industry", "crm_used", "funding", "lead_source", "buying_process")
    )


def _each(
    series: pl.Series, write: Callable[[Any, float], str], chance: NDArray[np.float64]
) -> list[str | None]:
    pairs = zip(series.to_list(), chance.tolist(), strict=True)
    return [None if value is None else write(value, u) for value, u in pairs]


def _employees(count: float, chance: float) -> str:
    if chance < 0.35:
        return next((band for top, band in _BANDS if count <= top), "10,000+")
    return f"{count:,.0f}" if chance < 0.6 else f"{count:.0f}"


def _revenue(amount: float, chance: float) -> str:
    if chance < 0.4:
        return f"€{amount:,.0f}"
    if chance < 0.7:
        return f"{amount:.0f}"
    return f"{amount / 1e6:g}M" if amount >= 1e6 else f"{amount / 1e3:g}k"


def _website(host: str, chance: float) -> str:
    if chance < 0.3:
        return f"https://www.{host}/"
    return f"www.{host}" if chance < 0.5 else host


def _mixed_case(levels: list[str | None], rng: np.random.Generator) -> list[str | None]:
    pairs = zip(levels, rng.random(len(levels)).tolist(), strict=True)
    return [None if v is None else _slip(v, u) for v, u in pairs]


def _slip(level: str, chance: float) -> str:
    if chance < 0.02:
        return level.upper()
    if chance < 0.05:
        return level.lower()
    return f"{level} " if chance < 0.08 else level


def _addresses(rows: int, rng: np.random.Generator) -> list[str]:
    street, number = rng.integers(0, len(_STREETS), rows), rng.integers(1, 180, rows)
    breaks = rng.random(rows) < 0.04
    return [
        f'{_STREETS[s]} {n}{chr(10) if split else ", "}"Unit {n % 9}"'
        if split or n % 7 == 0
        else f"{_STREETS[s]} {n}"
        for s, n, split in zip(street, number, breaks, strict=True)
    ]


def _spoil(
    rows: _Rows, header: str, text: str, source: str, places: Iterable[int]
) -> None:
    column = [c.header for c in COLUMNS[source]].index(header)
    for place in places:
        if place < len(rows):
            rows[place][column] = text


def _whole(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64).cast(pl.String)


def _yes_no(name: str) -> pl.Expr:
    words = pl.when(name).then(pl.lit("Yes")).otherwise(pl.lit("No"))
    return pl.when(pl.col(name).is_not_null()).then(words).alias(name)


def _thousands(name: str) -> pl.Expr:
    return pl.col(name).map_elements(lambda v: f"{v:,.2f}", pl.String)


def _comma_money(name: str) -> pl.Expr:
    swap = str.maketrans(",.", ".,")
    return pl.col(name).map_elements(lambda v: f"{v:,.2f}".translate(swap), pl.String)


def _rows(texts: pl.DataFrame, source: str) -> _Rows:
    names = [column.name for column in COLUMNS[source]]
    cells = texts.select(pl.col(name).cast(pl.String).fill_null("") for name in names)
    return [list(row) for row in cells.rows()]


def _csv(source: str, rows: _Rows, /, **dialect: Any) -> str:
    target = io.StringIO()
    writer = csv.writer(target, **dialect)
    writer.writerow([column.header for column in COLUMNS[source]])
    writer.writerows(rows)
    return target.getvalue()
