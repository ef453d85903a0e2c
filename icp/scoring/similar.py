"""Past customers most like an account: a sum of look-ups again.

Two accounts agree on an attribute where they are in the same cell; number cells agree
less the further apart they are, and not at all from a third of the cells on. Each
agreement counts with the attribute's information. What the account does not tell does
not count; what a customer does not tell counts as no agreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from icp.errors import SchemaError
from icp.profile import MISSING, NEVER_SEEN
from icp.schema import Kind
from icp.scoring.cells import coder, codes
from icp.scoring.plan import unused
from icp.scoring.words import title_of, value_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.profile import AttributeTable, Profile

__all__ = ["SIMILAR_COLUMNS", "agreement", "similar_customers"]

#: The columns of `similar_customers`, in order.
SIMILAR_COLUMNS: Final = {
    "account_id": pl.String(),
    "account_name": pl.String(),
    "outcome": pl.String(),
    "similarity": pl.Float64(),
    "shared": pl.List(pl.String()),
    "different": pl.List(pl.String()),
}
_FIRST = NEVER_SEEN + 1
_WHOLE = 1000
_NAMED = 3
_ALIKE = 800
_UNLIKE = 500


def similar_customers(
    row: Mapping[str, object],
    profile: Profile,
    customers: pl.DataFrame,
    /,
    *,
    count: int = 5,
) -> pl.DataFrame:
    """The past customers most like an account, the most similar first.

    `similarity` runs from 0 to 1 (0 where the account tells nothing); ties go by
    `account_id`. `shared` and `different` name at most three attributes each, with the
    customer's own values. The account itself is left out. `customers` without
    `account_id` raise SchemaError; missing `account_name` or `outcome` become null.
    """
    if "account_id" not in customers.columns:
        message = "customers have no column 'account_id'; name the identifier so"
        raise SchemaError(message)
    asked = _asked(row, profile)
    mark = unused(customers.schema)
    places = {f"{mark}{place}": one for place, one in enumerate(asked)}
    cells = codes(customers.schema, [one.table for one in asked])
    others = customers.filter(
        pl.col("account_id").cast(pl.String).ne_missing(_id_of(row))
    )
    nearest = (
        others.with_columns(
            code.alias(name) for name, code in zip(places, cells, strict=True)
        )
        .with_columns(
            pl.sum_horizontal(
                pl.lit(0, pl.Int64),
                *(_agreed(one, pl.col(name)) for name, one in places.items()),
            ).alias(mark)
        )
        .sort(mark, "account_id", descending=[True, False])
        .head(count)
    )
    most = sum(one.weight for one in asked) * _WHOLE
    rows = [
        _described(customer, asked, customer[mark] / most if most else 0.0)
        for customer in nearest.to_dicts()
    ]
    return pl.DataFrame(rows, schema=SIMILAR_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """An attribute that the account tells, with its agreement per customer code."""

    table: AttributeTable
    code: int
    weight: int
    agreement: tuple[int, ...]

    @property
    def idle(self) -> int | None:
        """The cell not worth naming: that both lack one of many values."""
        return _FIRST if self.table.kind is Kind.MULTI else None


def _id_of(row: Mapping[str, object]) -> str | None:
    own = row.get("account_id")
    return None if own is None else str(own)


def _asked(row: Mapping[str, object], profile: Profile) -> list[_Asked]:
    informed = any(table.information for table in profile.tables)
    found = []
    for table in profile.tables:
        code = coder(table)(row.get(table.column))
        if code != MISSING:
            found.append(
                _Asked(
                    table=table,
                    code=code,
                    weight=table.information if informed else 1,
                    agreement=agreement(table, code),
                )
            )
    return found


def agreement(table: AttributeTable, code: int, /) -> tuple[int, ...]:
    """Per cell code of the other account: how far the two agree, in per mille."""
    return tuple(_agreement(table, code, other) for other in range(table.size))


def _agreement(table: AttributeTable, one: int, other: int) -> int:
    if min(one, other) <= NEVER_SEEN:
        return 0
    if table.kind is not Kind.NUMBER:
        return _WHOLE * (one == other)
    reach = max(1, len(table.cells) // 3)
    return max(0, _WHOLE - _WHOLE * abs(one - other) // reach)


def _agreed(one: _Asked, code: pl.Expr) -> pl.Expr:
    points = pl.Series([one.weight * part for part in one.agreement], dtype=pl.Int64)
    return pl.lit(points).gather(code)


def _described(
    customer: dict[str, Any], asked: list[_Asked], similarity: float
) -> dict[str, Any]:
    alike, unlike = [], []
    for one in sorted(asked, key=lambda one: (-one.weight, one.table.name)):
        value = customer.get(one.table.column)
        code = coder(one.table)(value)
        words = f"{title_of(one.table)}: {value_words(one.table, code, value)}"
        if one.agreement[code] >= _ALIKE and code != one.idle:
            alike.append(words)
        elif code != MISSING and one.agreement[code] < _UNLIKE:
            unlike.append(words)
    return {
        "account_id": _id_of(customer),
        "account_name": customer.get("account_name"),
        "outcome": customer.get("outcome"),
        "similarity": similarity,
        "shared": alike[:_NAMED],
        "different": unlike[:_NAMED],
    }
