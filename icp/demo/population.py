"""Who the fictitious vendor sells to: archetypes, their traits, and generated names."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Levels = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Archetype:
    """A kind of company; traits it does not mention follow `_USUAL`."""

    name: str
    outcome: Literal["best", "regrettable", "mixed"]
    #: Shares of the customers and of the open prospects.
    customers: float
    prospects: float
    #: Chances of turning out best and regrettable where no disqualifier holds.
    best: float
    regrettable: float
    levels: Mapping[str, Levels] = field(default_factory=dict)
    #: Median and spread (standard deviation of the natural logarithm).
    numbers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    #: Chance of using each tool, and of having an operations team.
    chances: Mapping[str, float] = field(default_factory=dict)


ARCHETYPES: Final = (
    Archetype(
        name="scaling software",
        outcome="best",
        customers=0.14,
        prospects=0.07,
        best=0.88,
        regrettable=0.04,
        levels={
            "industry": {"Software": 0.9, "Financial Services": 0.1},
            "crm_used": {"HubSpot": 0.75, "Salesforce": 0.2, "Pipedrive": 0.05},
            "funding": {"Series A": 0.4, "Series B": 0.45, "Series C+": 0.15},
            "billing_country": {
                "United Kingdom": 0.35,
                "United States": 0.35,
                "Germany": 0.3,
            },
            "buying_process": {"Department": 0.7, "Founder": 0.3},
        },
        numbers={"employees": (35, 0.9), "founded_age": (7, 0.35), "growth": (35, 9)},
        chances={
            "Snowflake": 0.8,
            "Segment": 0.7,
            "AWS": 0.85,
            "operations_team": 0.85,
        },
    ),
    Archetype(
        name="multi-site logistics",
        outcome="best",
        customers=0.12,
        prospects=0.06,
        best=0.86,
        regrettable=0.05,
        levels={
            "industry": {"Logistics": 0.9, "Retail": 0.1},
            "crm_used": {"Salesforce": 0.75, "Dynamics": 0.2, "Spreadsheets": 0.05},
            "funding": {"Family-owned": 0.7, "Private equity": 0.3},
            "billing_country": {"Netherlands": 0.4, "Germany": 0.4, "Poland": 0.2},
            "buying_process": {"Department": 0.85, "Central purchasing": 0.15},
        },
        numbers={"employees": (600, 0.45), "sites": (22, 0.45), "growth": (8, 5)},
        chances={"SAP": 0.4, "Azure": 0.7, "Power BI": 0.7, "operations_team": 0.9},
    ),
    Archetype(
        name="specialist manufacturers",
        outcome="best",
        customers=0.11,
        prospects=0.05,
        best=0.85,
        regrettable=0.05,
        levels={
            "industry": {"Manufacturing": 0.92, "Construction": 0.08},
            "crm_used": {"Dynamics": 0.7, "Salesforce": 0.2, "Spreadsheets": 0.1},
            "funding": {"Family-owned": 0.85, "Private equity": 0.15},
            "billing_country": {"Germany": 0.5, "Austria": 0.3, "France": 0.2},
            "lead_source": {"Partner": 0.75, "Event": 0.25},
        },
        numbers={"employees": (300, 0.5), "founded_age": (55, 0.3), "sites": (3, 0.4)},
        chances={"SAP": 0.9, "Azure": 0.6, "Segment": 0.02, "operations_team": 0.6},
    ),
    Archetype(
        name="bargain-hunting agencies",
        outcome="regrettable",
        customers=0.11,
        prospects=0.11,
        best=0.24,
        regrettable=0.08,
        levels={
            "industry": {"Agencies": 0.72, "Retail": 0.16, "Hospitality": 0.12},
            "crm_used": {"Pipedrive": 0.6, "Spreadsheets": 0.4},
            "funding": {"Bootstrapped": 0.6, "Seed": 0.25, "Family-owned": 0.15},
            "lead_source": {"Price comparison": 0.97, "Outbound": 0.03},
            "buying_process": {"Founder": 0.6, "Department": 0.4},
        },
        numbers={"employees": (7, 0.4), "sites": (1.5, 0.5)},
        chances={"GA4": 0.8, "SAP": 0.01, "Snowflake": 0.02},
    ),
    Archetype(
        name="tender-driven institutions",
        outcome="regrettable",
        customers=0.08,
        prospects=0.08,
        best=0.24,
        regrettable=0.08,
        levels={
            "industry": {"Public Sector": 0.65, "Education": 0.35},
            "crm_used": {"In-house": 0.7, "Dynamics": 0.3},
            "funding": {"State-owned": 0.8, "Family-owned": 0.2},
            "lead_source": {"Tender portal": 0.75, "Event": 0.25},
            "buying_process": {"Central purchasing": 0.98, "Department": 0.02},
        },
        numbers={"employees": (2600, 0.5), "founded_age": (60, 0.4), "growth": (1, 2)},
        chances={"SAP": 0.5, "Snowflake": 0.02, "AWS": 0.05, "operations_team": 0.02},
    ),
    Archetype(
        name="everyone else",
        outcome="mixed",
        customers=0.44,
        prospects=0.63,
        best=0.24,
        regrettable=0.08,
    ),
)
_COUNTRIES: Final = (
    *("Germany", "Austria", "Netherlands", "United Kingdom"),
    *("United States", "France", "Spain", "Poland"),
)
_MONTHS: Final = ("Mar", "Jun", "Sep", "Dec")
_HOSTING_BEFORE: Final = {"On-premises": 0.55, "Private cloud": 0.3, "Public": 0.15}
_HOSTING_NOW: Final = {"On-premises": 0.12, "Private cloud": 0.23, "Public": 0.65}
TOOLS: Final = ("AWS", "Azure", "GA4", "Power BI", "SAP", "Segment", "Snowflake")
_USUAL_LEVELS: Final[Mapping[str, Levels]] = {
    "industry": dict.fromkeys(
        (
            *("Software", "Logistics", "Manufacturing", "Retail", "Healthcare"),
            *("Financial Services", "Education", "Hospitality", "Construction"),
            *("Public Sector", "Agencies"),
        ),
        1.0,
    ),
    "crm_used": {
        "HubSpot": 0.22,
        "Salesforce": 0.24,
        "Dynamics": 0.14,
        "Pipedrive": 0.12,
        "Spreadsheets": 0.2,
        "In-house": 0.08,
    },
    "funding": {
        "Bootstrapped": 0.3,
        "Family-owned": 0.25,
        "Seed": 0.08,
        "Series A": 0.09,
        "Series B": 0.07,
        "Series C+": 0.05,
        "Private equity": 0.1,
        "State-owned": 0.06,
    },
    "billing_country": dict.fromkeys(_COUNTRIES, 1.0),
    "lead_source": {
        "Inbound": 0.25,
        "Referral": 0.16,
        "Event": 0.12,
        "Outbound": 0.14,
        "Partner": 0.1,
        "Price comparison": 0.2,
        "Tender portal": 0.03,
    },
    "buying_process": {"Department": 0.5, "Founder": 0.3, "Central purchasing": 0.2},
    "territory": dict.fromkeys(("A", "B", "C", "D", "E", "F"), 1.0),
    "fiscal_year_end": dict(zip(_MONTHS, (0.15, 0.15, 0.1, 0.6), strict=True)),
}
_USUAL_NUMBERS: Final = {
    "employees": (60.0, 1.3),
    "founded_age": (20.0, 0.7),
    "sites": (3.0, 0.8),
    "growth": (10.0, 12.0),
    "vendors": (2.1, 0.55),
}
_USUAL_CHANCES: Final = dict.fromkeys(TOOLS, 0.3) | {"operations_team": 0.45}
#: Attributes that say nothing about the outcome.
NOISE: Final = ("territory", "fiscal_year_end", "newsletter")
#: The attribute whose distribution changed in the last year; it says nothing either.
DRIFTING: Final = "hosting"
#: Conditions, in SQL over the clean attributes, under which most deals are regretted.
DISQUALIFIERS: Final[Mapping[str, str]] = {
    "five or more vendors": "vendors_in_play >= 5",
    "central purchasing without an operations team": (
        "buying_process = 'Central purchasing' AND NOT operations_team"
    ),
    "tiny company from a price comparison": (
        "lead_source = 'Price comparison' AND employees < 20"
    ),
}
#: Chance that a customer's value is unknown; prospects' are `_PROSPECTS_MISS` times it.
_MISSING: Final = {
    "industry": 0.03, "employees": 0.04, "annual_revenue": 0.18,
    "year_founded": 0.08, "tech_stack": 0.1, "crm_used": 0.06, "funding": 0.14,
    "lead_source": 0.03, "sites": 0.1, "headcount_growth": 0.22,
    "buying_process": 0.05, "vendors_in_play": 0.05, "operations_team": 0.05,
    "hosting": 0.1,
}  # fmt: skip
_PROSPECTS_MISS: Final = 2.0


def draw_accounts(
    rng: np.random.Generator,
    rows: int,
    /,
    *,
    population: Literal["customers", "prospects"],
    recent: NDArray[np.bool_],
    year: int,
) -> pl.DataFrame:
    """Draw complete accounts: clean attributes plus `archetype` (its position).

    `recent` says which accounts date from the last year, when `hosting` had drifted.
    """
    shares = [getattr(archetype, population) for archetype in ARCHETYPES]
    kind = _pick(rng.random(rows), shares)
    levels = {name: _levels(rng, kind, name) for name in _USUAL_LEVELS}
    numbers = {name: _number(rng, kind, name) for name in _USUAL_NUMBERS}
    flags = {name: _chance(rng, kind, name) for name in _USUAL_CHANCES}
    revenue = numbers["employees"] * np.exp(11.7 + 0.45 * rng.standard_normal(rows))
    return pl.DataFrame(
        {
            "archetype": kind,
            **levels,
            "hosting": _hosting(rng, recent),
            "employees": np.maximum(1, np.rint(numbers["employees"])),
            "annual_revenue": np.round(revenue, -4) + 10_000,
            "year_founded": np.maximum(1850, np.rint(year - numbers["founded_age"])),
            "sites": np.maximum(1, np.rint(numbers["sites"])),
            "headcount_growth": np.round(numbers["growth"], 1),
            "vendors_in_play": np.clip(np.rint(numbers["vendors"]), 1, 9),
            "operations_team": flags["operations_team"],
            "newsletter": rng.random(rows) < 0.5,
            **{tool: flags[tool] for tool in TOOLS},
        }
    ).pipe(_with_tech_stack)


def hide_values(
    frame: pl.DataFrame,
    rng: np.random.Generator,
    /,
    *,
    population: Literal["customers", "prospects"],
) -> pl.DataFrame:
    """Make values null as often as they are unknown in the given population."""
    factor = 1.0 if population == "customers" else _PROSPECTS_MISS
    return frame.with_columns(
        pl.when(pl.Series(rng.random(frame.height) >= share * factor)).then(name)
        for name, share in _MISSING.items()
    )


def _pick(uniform: NDArray[np.float64], weights: list[float]) -> NDArray[np.int64]:
    steps = np.cumsum(weights)
    return np.searchsorted(steps[:-1] / steps[-1], uniform, side="right")


def _levels(rng: np.random.Generator, kind: NDArray[np.int64], name: str) -> pl.Series:
    usual = _USUAL_LEVELS[name]
    uniform = rng.random(len(kind))
    codes = np.zeros(len(kind), dtype=np.int64)
    for position, archetype in enumerate(ARCHETYPES):
        weights = archetype.levels.get(name, usual)
        rows = kind == position
        codes[rows] = _pick(uniform[rows], [weights.get(level, 0.0) for level in usual])
    return pl.Series(name, list(usual)).gather(codes)


def _number(
    rng: np.random.Generator, kind: NDArray[np.int64], name: str
) -> NDArray[np.float64]:
    usual = _USUAL_NUMBERS[name]
    table = np.array([archetype.numbers.get(name, usual) for archetype in ARCHETYPES])
    middle, spread = table[kind].T
    normal = rng.standard_normal(len(kind))
    if name == "growth":
        return np.asarray(middle + spread * normal)
    return np.asarray(middle * np.exp(spread * normal))


def _chance(
    rng: np.random.Generator, kind: NDArray[np.int64], name: str
) -> NDArray[np.bool_]:
    usual = _USUAL_CHANCES[name]
    table = np.array([archetype.chances.get(name, usual) for archetype in ARCHETYPES])
    return np.asarray(rng.random(len(kind)) < table[kind])


def _hosting(rng: np.random.Generator, recent: NDArray[np.bool_]) -> pl.Series:
    uniform = rng.random(len(recent))
    before = _pick(uniform, list(_HOSTING_BEFORE.values()))
    now = _pick(uniform, list(_HOSTING_NOW.values()))
    return pl.Series(list(_HOSTING_NOW)).gather(np.where(recent, now, before))


def _with_tech_stack(frame: pl.DataFrame) -> pl.DataFrame:
    tools = [pl.when(pl.col(tool)).then(pl.lit(tool)) for tool in TOOLS]
    stack = pl.concat_list(tools).list.drop_nulls()
    # No export can tell an empty list from one that nobody filled in.
    tech_stack = pl.when(stack.list.len() > 0).then(stack)
    return frame.with_columns(tech_stack=tech_stack).drop(TOOLS)


_FIRST: Final = (
    "Bra Cel Dor Elv Fen Gal Hul Ist Jor Kel Lum Mav Nor Ost Pel Quor Ras Sil Tor Ulm "
    "Vek Wes Xal Yor Zan Brü Dral Flo Grem Krav Mür Plo Skar Trel Vro Zwi"
)
_SECOND: Final = (
    "adi bano cori dela emi fari gano heli ino jari kuli lomi meri novi opi pari "
    "quesi rado sani tavi umi vero wani xeno yali zori"
)
_THIRD: Final = (
    "bek dan fex gard holt kant lund mark nex port quist rand stad tek vall wik"
)
_FORMS: Final = {
    "Germany": "GmbH",
    "Austria": "GmbH",
    "Netherlands": "B.V.",
    "United Kingdom": "Ltd",
    "United States": "Inc.",
    "France": "SAS",
    "Spain": "S.L.",
    "Poland": "Sp. z o.o.",
}
#: Has no factor in common with their number: each is used before any comes again.
_STRIDE: Final = 7_919
_ASCII: Final = str.maketrans({"ü": "ue", "é": "e"})


def with_names(frame: pl.DataFrame, /, *, start: int) -> pl.DataFrame:
    """Add `account_name` and `domain`; names differ until 14,976 were used up.

    `start` is the running number of the first row. Needs `billing_country`.
    """
    stems, hosts = _stems(), _hosts()
    places = (np.arange(start, start + frame.height) * _STRIDE) % len(stems)
    return frame.with_columns(
        account_name=stems.gather(places)
        + " "
        + pl.col("billing_country").replace_strict(_FORMS),
        domain=hosts.gather(places),
    )


@cache
def _stems() -> pl.Series:
    parts = product(_FIRST.split(), _SECOND.split(), _THIRD.split())
    return pl.Series(["".join(part) for part in parts])


@cache
def _hosts() -> pl.Series:
    stems = (stem.lower().translate(_ASCII) for stem in _stems().to_list())
    return pl.Series([f"{stem}.example" for stem in stems])


_CHUNK: Final = 100_000
_YEAR: Final = 2026


def prospects_frame(rows: int, /, *, seed: int = 7) -> pl.LazyFrame:
    """Typed prospects, drawn in chunks while the frame is read.

    Columns: `account_id`, `account_name`, the attributes under their canonical names,
    and `archetype` (Int64, the planted truth). Null means not known.
    """

    def chunks(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        limit: int | None,
        _size: int | None,
    ) -> Iterator[pl.DataFrame]:
        count = rows if limit is None else min(rows, limit)
        for start in range(0, count, _CHUNK):
            chunk = _chunk(start, rows, seed).head(count - start)
            if predicate is not None:
                chunk = chunk.filter(predicate)
            yield chunk if columns is None else chunk.select(columns)

    return register_io_source(chunks, schema=_chunk(0, 1, seed).schema)


def write_prospects_parquet(
    path: str | Path, /, *, rows: int = 5_000_000, seed: int = 7
) -> None:
    """Stream `prospects_frame` into a Parquet file; memory does not grow with rows."""
    prospects_frame(rows, seed=seed).sink_parquet(path, mkdir=True)


def _chunk(start: int, rows: int, seed: int) -> pl.DataFrame:
    size = min(_CHUNK, rows - start)
    rng = np.random.default_rng([seed, 3, start])
    number = pl.int_range(start + 1, start + size + 1, eager=True)
    return (
        draw_accounts(
            rng,
            size,
            population="prospects",
            recent=np.ones(size, dtype=np.bool_),
            year=_YEAR,
        )
        .pipe(hide_values, rng, population="prospects")
        .pipe(with_names, start=start)
        .select(
            pl.format("P-{}", number).alias("account_id"),
            "account_name",
            pl.exclude("account_name", "domain", "archetype"),
            "archetype",
        )
    )
