"""The customers' history: deals, invoices, support and worth, and the planted truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.demo.population import ARCHETYPES, DISQUALIFIERS, DRIFTING, NOISE

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray


#: Cost of one hour of support, in EUR.
HOUR_COST: Final = 90
#: Worth in EUR from which an active customer counts as best.
BEST_FROM: Final = 8_000
#: Columns that are known only because of how the deal turned out.
LEAKS: Final = ("csat_score", "renewal_decision", "billing_language")

_BEST, _NEUTRAL, _REGRETTABLE = 0, 1, 2
_YEAR: Final = 365
_LOST_DEALS: Final = 260
_LOST: Final = (
    *("No budget", "No decision", "Lost to competitor", "Price too high"),
    *("No real need", "Missing feature", "Went silent"),
)
_OWNERS: Final = tuple(f"AE-{number:02d}" for number in range(1, 13))


@dataclass(frozen=True, kw_only=True)
class History:
    """Frames keyed by `account_id`; amounts in EUR, dates as Date."""

    #: One row per customer: attributes, leaks, `worth` and the expected `outcome`.
    customers: pl.DataFrame
    deals: pl.DataFrame
    invoices: pl.DataFrame
    tickets: pl.DataFrame

    def replace_customers(self, customers: pl.DataFrame, /) -> History:
        """The same history with another frame of customers."""
        return replace(self, customers=customers)


def draw_history(
    accounts: pl.DataFrame,
    prospect_ids: pl.Series,
    rng: np.random.Generator,
    /,
    *,
    as_of: date,
) -> History:
    """Draw what happened to the accounts from `customer_since` to `as_of`.

    Needs complete attributes, `account_id` and `age` (days as a customer).
    """
    lived = accounts.with_columns(quality=_quality(accounts, rng)).pipe(
        _with_contract, rng, as_of
    )
    invoices = _invoices(lived, rng, as_of)
    tickets = _tickets(lived, invoices, rng)
    customers = lived.pipe(_with_worth, invoices, tickets).pipe(_with_leaks, rng)
    return History(
        customers=customers,
        deals=pl.concat([_won(customers, rng), _lost(prospect_ids, rng, as_of)]),
        invoices=invoices,
        tickets=tickets,
    )


def _quality(accounts: pl.DataFrame, rng: np.random.Generator) -> NDArray[np.int64]:
    odds = np.array([(a.best, a.regrettable) for a in ARCHETYPES])
    best, regrettable = odds[accounts["archetype"].to_numpy()].T
    warned = _any_disqualifier(accounts)
    best = np.where(warned, 0.02, best)
    regrettable = np.where(warned, 0.9, regrettable)
    uniform = rng.random(accounts.height)
    return np.select(
        [uniform < best, uniform >= 1 - regrettable], [_BEST, _REGRETTABLE], _NEUTRAL
    )


def _any_disqualifier(accounts: pl.DataFrame) -> NDArray[np.bool_]:
    conditions = [pl.sql_expr(condition) for condition in DISQUALIFIERS.values()]
    return accounts.select(pl.any_horizontal(conditions)).to_series().to_numpy()


def _with_contract(
    accounts: pl.DataFrame, rng: np.random.Generator, as_of: date
) -> pl.DataFrame:
    quality = accounts["quality"].to_numpy()
    leaves = rng.random(accounts.height) < np.array([0.04, 0.25, 0.65])[quality]
    earliest, latest = np.array([[700, 1400], [400, 1200], [150, 540]])[quality].T
    stay = np.rint(earliest + rng.random(accounts.height) * (latest - earliest))
    age = accounts["age"].to_numpy()
    left = leaves & (stay < age)
    size = (accounts["employees"].to_numpy() / 100) ** 0.35
    spread = np.exp(0.3 * rng.standard_normal(accounts.height))
    fee = 6000 * np.where(quality == _BEST, 1.5, 1.0) * size * spread
    return accounts.with_columns(
        customer_since=as_of - pl.duration(days="age"),
        days=pl.Series(np.where(left, stay, age).astype(np.int64)),
        left=pl.Series(left),
        fee=pl.Series(np.round(fee, -1)),
    ).with_columns(
        cancelled_on=pl.when("left").then(
            pl.col("customer_since") + pl.duration(days="days")
        )
    )


def _invoices(
    lived: pl.DataFrame, rng: np.random.Generator, as_of: date
) -> pl.DataFrame:
    count = 1 + (lived["days"].to_numpy() - 1) // _YEAR
    row = np.repeat(np.arange(lived.height), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    per_invoice = lived[row]
    quality = per_invoice["quality"].to_numpy()
    low, high = np.array([[-5, 12], [-5, 35], [5, 120]])[quality].T
    late = np.rint(low + rng.random(len(row)) * (high - low))
    cost = np.where(late > 14, 25 + 1.5 * (late - 14), 0.0)
    invoiced = per_invoice.select(
        "account_id",
        "quality",
        issued=pl.col("customer_since") + _days(step * _YEAR),
        amount="fee",
        collection_cost=pl.Series(cost),
        late=pl.Series(late.astype(np.int64)),
    )
    credits = _credit_notes(invoiced, rng)
    return (
        pl.concat([invoiced, credits])
        .with_columns(due=pl.col("issued") + pl.duration(days=30))
        .with_columns(paid=pl.col("due") + pl.duration(days="late"))
        .with_columns(paid=pl.when(pl.col("paid") <= as_of).then("paid"))
        .sort("issued", "account_id", "amount")
        .with_row_index("invoice", offset=70_001)
        .drop("quality", "late")
    )


def _credit_notes(invoices: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    last = invoices.unique("account_id", keep="last", maintain_order=True)
    share = np.array([0.01, 0.08, 0.45])[last["quality"].to_numpy()]
    has_credit = rng.random(last.height) < share
    part = 0.4 + 0.5 * rng.random(last.height)
    return last.with_columns(
        amount=(-pl.col("amount") * pl.Series(part)).round(2),
        collection_cost=pl.lit(0.0),
        late=pl.lit(0, dtype=pl.Int64),
    ).filter(pl.Series(has_credit))


def _tickets(
    lived: pl.DataFrame, invoices: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    sums = invoices.group_by("account_id").agg(
        revenue=pl.col("amount").filter(pl.col("amount") > 0).sum(),
        earned=pl.col("amount").sum() - pl.col("collection_cost").sum(),
    )
    money = lived.join(sums, on="account_id", how="left", maintain_order="left")
    worth = _target_worth(money, rng)
    hours = np.maximum(0, (money["earned"].to_numpy() - worth) / HOUR_COST)
    count = np.where(hours < 3, 0, np.clip(np.rint(np.sqrt(hours) / 3), 1, 5))
    row = np.repeat(np.arange(lived.height), count.astype(np.int64))
    part = 0.5 + rng.random(len(row))
    whole = np.bincount(row, weights=part, minlength=lived.height)
    opened = rng.random(len(row)) * lived["days"].to_numpy()[row]
    severe = _codes(rng, len(row), (0.35, 0.4, 0.18, 0.07))
    return (
        lived[row]
        .select(
            "account_id",
            opened=pl.col("customer_since") + _days(opened),
            severity=pl.Series(["Low", "Medium", "High", "Critical"]).gather(severe),
            hours=pl.Series(np.rint(hours[row] * part / whole[row] * 4) / 4),
        )
        .sort("opened", "account_id", "hours")
        .with_row_index("ticket", offset=30_001)
    )


def _target_worth(money: pl.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    revenue, quality = money["revenue"].to_numpy(), money["quality"].to_numpy()
    uniform = rng.random(money.height)
    return np.select(
        [quality == _BEST, quality == _NEUTRAL],
        [
            revenue * (0.8 + 0.15 * uniform),
            np.minimum(0.5 * revenue, 200 + 6000 * uniform),
        ],
        -revenue * (0.4 + 1.6 * uniform),
    )


def _with_worth(
    lived: pl.DataFrame, invoices: pl.DataFrame, tickets: pl.DataFrame
) -> pl.DataFrame:
    earned = invoices.group_by("account_id").agg(
        earned=pl.col("amount").sum() - pl.col("collection_cost").sum()
    )
    support = tickets.group_by("account_id").agg(pl.col("hours").sum())
    worth = pl.col("earned") - HOUR_COST * pl.col("hours").fill_null(0)
    return (
        lived.join(earned, on="account_id", how="left", maintain_order="left")
        .join(support, on="account_id", how="left", maintain_order="left")
        .with_columns(worth=worth.round(2))
        .with_columns(outcome=_expected_outcome())
        .drop("earned", "hours")
    )


def _expected_outcome() -> pl.Expr:
    return (
        pl.when((pl.col("worth") < 0) & (pl.col("left") | (pl.col("age") >= _YEAR)))
        .then(pl.lit("regrettable"))
        .when(pl.col("age") < _YEAR)
        .then(pl.lit("unknown"))
        .when((pl.col("worth") >= BEST_FROM) & ~pl.col("left"))
        .then(pl.lit("best"))
        .otherwise(pl.lit("neutral"))
    )


def _with_leaks(customers: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows, quality = customers.height, customers["quality"].to_numpy()
    csat = np.array([8.7, 7.0, 4.4])[quality] + rng.standard_normal(rows)
    renewal = pl.Series(["Renewed", "Undecided", "Will not renew"])
    language = pl.Series(["de", "en", "fr", "nl"])
    decided = np.where(rng.random(rows) < 0.9, quality, _NEUTRAL)
    return customers.with_columns(
        csat_score=pl.when(pl.Series(rng.random(rows) < 0.7)).then(
            pl.Series(np.clip(np.round(csat, 1), 1, 10))
        ),
        renewal_decision=renewal.gather(decided),
        billing_language=pl.when(
            pl.Series(rng.random(rows) < np.array([0.94, 0.7, 0.15])[quality])
        ).then(language.gather(_codes(rng, rows, (1, 1, 1, 1)))),
        owner=pl.Series(_OWNERS).gather(_codes(rng, rows, (1,) * len(_OWNERS))),
    )


def _won(customers: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows, bad = customers.height, customers["quality"].to_numpy() == _REGRETTABLE
    discount = np.rint(np.where(bad, 12, 0) + 18 * rng.random(rows))
    days = 20 + 180 * rng.random(rows)
    return customers.select(
        "account_id",
        stage=pl.lit("Closed Won"),
        amount="fee",
        created=pl.col("customer_since") - _days(days),
        closed="customer_since",
        owner="owner",
        lost_reason=pl.lit(None, dtype=pl.String),
        discount=pl.Series(discount),
        vendors_in_play="vendors_in_play",
        probability=pl.lit(100.0),
    )


def _lost(
    prospect_ids: pl.Series, rng: np.random.Generator, as_of: date
) -> pl.DataFrame:
    rows = min(_LOST_DEALS, len(prospect_ids))
    created = as_of - timedelta(days=3 * _YEAR)
    after = np.rint(rng.random(rows) * 2 * _YEAR)
    open_for = np.rint(30 + 300 * rng.random(rows))
    return pl.DataFrame(
        {
            "account_id": prospect_ids.head(rows),
            "stage": ["Closed Lost"] * rows,
            "amount": np.round(6000 * np.exp(0.7 * rng.standard_normal(rows)), -1),
            "created": pl.select(created + _days(after)),
            "closed": pl.select(created + _days(after + open_for)),
            "owner": pl.Series(_OWNERS).gather(_codes(rng, rows, (1,) * 12)),
            "lost_reason": pl.Series(_LOST).gather(_codes(rng, rows, (1,) * 7)),
            "discount": np.rint(20 * rng.random(rows)),
            "vendors_in_play": np.clip(np.rint(2 + rng.standard_normal(rows)), 1, 8),
            "probability": [0.0] * rows,
        }
    )


def _codes(
    rng: np.random.Generator, rows: int, weights: tuple[float, ...]
) -> NDArray[np.int64]:
    steps = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(steps[:-1], rng.random(rows), side="right")


def _days(count: NDArray[np.float64] | NDArray[np.int64]) -> pl.Expr:
    return pl.duration(days=pl.lit(pl.Series(count.astype(np.int64))))


_DUPLICATES: Final = 24
_ODDITIES: Final = 12


def with_duplicates(customers: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Append some companies a second time: other id and spelling, same web domain.

    `duplicate_of` is the first id, null elsewhere. Nothing was ever billed to them.
    """
    places = np.sort(rng.permutation(customers.height)[:_DUPLICATES])
    again = customers[places].with_columns(
        account_id=pl.format("C-9{}", pl.col("account_id").str.slice(3)),
        account_name=pl.col("account_name").str.to_uppercase().str.replace(" ", "  "),
        duplicate_of="account_id",
        funding=pl.lit(None, dtype=pl.String),
        annual_revenue=pl.lit(None, dtype=pl.Float64),
        worth=pl.lit(None, dtype=pl.Float64),
        outcome=pl.lit("unknown"),
    )
    return pl.concat([customers, again], how="diagonal")


def with_oddities(prospects: pl.DataFrame) -> pl.DataFrame:
    """Make a few prospects unlike anything closed before; `odd` says which."""
    step = max(1, prospects.height // _ODDITIES)
    odd = pl.int_range(pl.len()) % step == step - 1
    strange = {
        "industry": pl.lit("Deep Sea Mining"),
        "employees": pl.lit(240_000.0),
        "sites": pl.lit(900.0),
        "year_founded": pl.lit(1851.0),
        "headcount_growth": pl.lit(-38.5),
        "funding": pl.lit("Series C+"),
        "buying_process": pl.lit("Founder"),
    }
    return prospects.with_columns(odd=odd).with_columns(
        pl.when("odd").then(value).otherwise(name).alias(name)
        for name, value in strange.items()
    )


def truth_document(history: History, prospects: pl.DataFrame, /, *, as_of: date) -> str:
    """JSON: who is in which segment, how each customer turned out, and the traps."""
    customers = history.customers
    twins = customers.drop_nulls("duplicate_of")
    document = {
        "as_of": as_of.isoformat(),
        "worth": "sum of invoices and credit notes - collection cost - "
        f"{HOUR_COST} x support hours",
        "best_from": BEST_FROM,
        "segments": _segments(customers, prospects),
        "outcomes": dict(
            customers.group_by("outcome", maintain_order=True)
            .agg("account_id")
            .sort("outcome")
            .rows()
        ),
        "duplicates": dict(twins.select("account_id", "duplicate_of").rows()),
        "odd_prospects": prospects.filter("odd")["account_id"].to_list(),
        "disqualifiers": dict(DISQUALIFIERS),
        "leaks": list(LEAKS),
        "noise": list(NOISE),
        "drift": {"column": DRIFTING, "since_days": 365},
    }
    return json.dumps(document, separators=(",", ":")).replace('],"', '],\n"') + "\n"


def _segments(
    customers: pl.DataFrame, prospects: pl.DataFrame
) -> dict[str, dict[str, object]]:
    first = customers.filter(pl.col("duplicate_of").is_null())
    return {
        archetype.name: {
            "outcome": archetype.outcome,
            "customers": _members(first, position),
            "prospects": _members(prospects.filter(~pl.col("odd")), position),
        }
        for position, archetype in enumerate(ARCHETYPES)
        if archetype.outcome != "mixed"
    }


def _members(frame: pl.DataFrame, position: int) -> list[str]:
    return frame.filter(pl.col("archetype") == position)["account_id"].to_list()
