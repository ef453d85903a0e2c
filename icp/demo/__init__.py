"""A fictitious software vendor's CRM exports, messy as real ones, with a known truth.

Everything is generated from a seed and dated relative to `as_of`, so the same call
gives the same bytes. Names are made of syllables; no company or person is real.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.demo.exports import (
    COLUMNS,
    Column,
    accounts_export,
    deals_export,
    invoices_export,
    prospects_export,
    tickets_export,
)
from icp.demo.history import (
    History,
    draw_history,
    truth_document,
    with_duplicates,
    with_oddities,
)
from icp.demo.population import (
    draw_accounts,
    hide_values,
    prospects_frame,
    with_names,
    write_prospects_parquet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AS_OF",
    "DemoFiles",
    "draw_demo",
    "prospects_frame",
    "write_demo",
    "write_prospects_parquet",
]

#: The day of the demo's exports, by default.
AS_OF: Final = date(2026, 3, 31)
_FOUR_YEARS: Final = 1460
_LAST_YEAR: Final = 365
_TEMPLATE: Final = Path(__file__).with_name("workspace.toml")


@dataclass(frozen=True, kw_only=True)
class DemoFiles:
    """The files that `write_demo` wrote."""

    folder: Path
    config: Path
    truth: Path
    #: By the source's name: accounts, deals, invoices, tickets, prospects.
    sources: Mapping[str, Path]
    mappings: Mapping[str, Path]


def write_demo(
    folder: str | Path,
    /,
    *,
    seed: int = 7,
    customers: int = 1200,
    prospects: int = 5000,
    as_of: date = AS_OF,
) -> DemoFiles:
    """Write a workspace: exports, confirmed mappings, `icp.toml` and `truth.json`.

    The folder is made where it does not exist; files of the same names are replaced.
    The same arguments give the same bytes.
    """
    history, open_prospects = draw_demo(
        seed=seed, customers=customers, prospects=prospects, as_of=as_of
    )
    rng = np.random.default_rng([seed, 2])
    contents: dict[str, Iterable[bytes]] = {
        "accounts": [accounts_export(history.customers, rng, as_of=as_of)],
        "deals": [deals_export(history.deals)],
        "invoices": [invoices_export(history.invoices)],
        "tickets": [tickets_export(history.tickets, rng)],
        "prospects": prospects_export(open_prospects, rng),
    }
    files = _places(Path(folder))
    for name, pieces in contents.items():
        _write(files.sources[name], pieces)
        _write(files.mappings[name], [_mapping(name, COLUMNS[name]).encode()])
    settings = _TEMPLATE.read_text("utf-8").replace(str(AS_OF), str(as_of))
    _write(files.config, [settings.encode()])
    truth = truth_document(history, open_prospects, as_of=as_of)
    _write(files.truth, [truth.encode()])
    return files


def draw_demo(
    *,
    seed: int = 7,
    customers: int = 1200,
    prospects: int = 5000,
    as_of: date = AS_OF,
) -> tuple[History, pl.DataFrame]:
    """Draw the demo's clean frames: customers with their history, and prospects.

    Attributes are typed and null where unknown; `archetype` is the planted segment.
    """
    rng = np.random.default_rng([seed, 0])
    age = rng.integers(20, _FOUR_YEARS, customers)
    accounts = draw_accounts(
        rng,
        customers,
        population="customers",
        recent=age < _LAST_YEAR,
        year=as_of.year,
    ).with_columns(
        account_id=pl.Series([f"C-{n}" for n in range(10_001, 10_001 + customers)]),
        age=pl.Series(age),
    )
    open_prospects = _open_prospects(seed, prospects, customers, as_of)
    history = draw_history(
        accounts.pipe(with_names, start=0),
        open_prospects["account_id"],
        rng,
        as_of=as_of,
    )
    frame = history.customers.pipe(hide_values, rng, population="customers")
    return history.replace_customers(with_duplicates(frame, rng)), open_prospects


def _open_prospects(seed: int, rows: int, start: int, as_of: date) -> pl.DataFrame:
    rng = np.random.default_rng([seed, 1])
    billing = pl.when(pl.Series(rng.random(rows) < 0.03)).then(pl.lit("en"))
    return (
        draw_accounts(
            rng,
            rows,
            population="prospects",
            recent=np.ones(rows, dtype=np.bool_),
            year=as_of.year,
        )
        .pipe(hide_values, rng, population="prospects")
        .pipe(with_oddities)
        .pipe(with_names, start=start)
        .with_columns(
            account_id=pl.Series([f"P-{n}" for n in range(20_001, 20_001 + rows)]),
            billing_language=billing,
        )
    )


def _places(folder: Path) -> DemoFiles:
    return DemoFiles(
        folder=folder,
        config=folder / "icp.toml",
        truth=folder / "truth.json",
        sources={name: folder / "sources" / f"{name}.csv" for name in COLUMNS},
        mappings={name: folder / "mappings" / f"{name}.json" for name in COLUMNS},
    )


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        target.writelines(pieces)


def _mapping(source: str, columns: tuple[Column, ...]) -> str:
    rules = [
        {
            "source": column.header,
            "name": column.name,
            "role": column.role,
            "kind": column.kind,
            "unit": column.unit,
            "date_order": column.date_order,
            "decimal": column.decimal,
            "separator": column.separator,
            "score": 1.0,
            "reason": "declared by the demo",
            "confirmed": True,
        }
        for column in columns
    ]
    document = {"format": 1, "source": source, "columns": rules}
    return json.dumps(document, indent=1) + "\n"
