"""What `speed.py` scores: accounts of five kinds, twelve columns, 5 to 40 % missing.

Six numbers (four of them with long tails) and six texts of 20, 40, 7, 8, 10 and 4
levels. A million rows are drawn; longer files repeat them under new ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.learn import fit_profile
from icp.profile import PairTable, Profile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NUMBERS: Final = ("staff", "revenue", "orders", "visits", "growth", "score")
LEVELS: Final = {
    "industry": 20,
    "country": 40,
    "region": 7,
    "channel": 8,
    "product": 10,
    "plan": 4,
}
COLUMNS: Final = (*NUMBERS, *LEVELS)
KINDS: Final = (0.3, 0.25, 0.2, 0.15, 0.1)
PAIRS: Final = 12
_LONG_TAILS: Final = 4
_DRAWN: Final = 1_000_000
_LEARNT_FROM: Final = 4_000


def customers(rows: int, /, *, seed: int) -> pl.DataFrame:
    """Accounts with an outcome that depends on their kind and their growth."""
    fixed, rng = np.random.default_rng(7), np.random.default_rng(seed)
    kind = rng.choice(len(KINDS), rows, p=KINDS)
    values = {**_numbers(fixed, rng, kind), **_texts(fixed, rng, kind)}
    odds = fixed.normal(0, 1, len(KINDS))[kind] + 0.6 * np.tanh(values["growth"])
    best = rng.random(rows) < 1 / (1 + np.exp(-odds))
    hidden = np.linspace(0.05, 0.4, len(values))
    return pl.DataFrame(values).select(
        *(
            pl.when(pl.Series(rng.random(rows) >= share)).then(pl.col(name)).alias(name)
            for name, share in zip(values, hidden, strict=True)
        ),
        outcome=pl.when(pl.Series(best))
        .then(pl.lit("best"))
        .otherwise(pl.lit("regrettable")),
    )


def write_accounts(folder: Path, rows: int, /) -> Path:
    """The file of that many rows in the folder, drawn where it is not there yet."""
    file, drawn = folder / f"accounts-{rows}.parquet", folder / "drawn.parquet"
    if not drawn.exists():
        customers(_DRAWN, seed=1).drop("outcome").write_parquet(drawn)
    if not file.exists():
        again = pl.concat([pl.scan_parquet(drawn)] * -(-rows // _DRAWN)).head(rows)
        number = pl.col("row").cast(pl.String).str.zfill(9)
        accounts = again.with_row_index("row").select(
            pl.format("A{}", number).alias("account_id"), *COLUMNS
        )
        accounts.sink_parquet(file)
    return file


def learnt() -> Profile:
    """The profile of four thousand such customers."""
    return fit_profile(customers(_LEARNT_FROM, seed=2))


def with_pairs(profile: Profile, /, *, count: int = PAIRS) -> Profile:
    """The same with made-up pairs, the tables of most cells first."""
    tables = sorted(profile.tables, key=lambda table: -table.size)
    both = [(a, b) for j, b in enumerate(tables) for a in tables[:j]][:count]
    rng = np.random.default_rng(3)
    pairs = [
        PairTable(
            first=first.name,
            second=second.name,
            points=tuple(rng.integers(-300, 300, first.size * second.size).tolist()),
        )
        for first, second in both
    ]
    return profile.model_copy(update={"pairs": tuple(pairs)})


def _numbers(
    fixed: np.random.Generator, rng: np.random.Generator, kind: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    means = fixed.normal(0, 1.2, (len(NUMBERS), len(KINDS)))
    values = {
        name: rng.normal(row[kind]) for name, row in zip(NUMBERS, means, strict=True)
    }
    tails = {name: np.exp(values[name] + 4).round(2) for name in NUMBERS[:_LONG_TAILS]}
    return {**values, **tails}


def _texts(
    fixed: np.random.Generator, rng: np.random.Generator, kind: NDArray[np.int64]
) -> dict[str, pl.Series]:
    texts = {}
    for name, count in LEVELS.items():
        reached = fixed.dirichlet(np.full(count, 0.8), len(KINDS)).cumsum(axis=1)
        level = (rng.random((len(kind), 1)) > reached[kind, :-1]).sum(axis=1)
        words = pl.Series([f"{name.title()} {number:02}" for number in range(count)])
        texts[name] = words.gather(level)
    return texts
