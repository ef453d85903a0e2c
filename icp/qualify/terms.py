"""What a deal's price and care are, and what is usual in the nearest best segment."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.qualify.money import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.profile import Profile

__all__ = ["CARE", "DISCOUNT", "INCUMBENT", "Usual", "UsualTerms", "terms_of", "usual"]

#: Columns: discount (per cent or share), money to keep a customer, months to the end.
DISCOUNT: Final = "discount"
CARE: Final = "support_cost"
INCUMBENT: Final = "incumbent_contract_months"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """Medians among the best customers nearest to one segment; None is not known."""

    #: Share of the list price.
    discount: float | None = None
    #: Money.
    care: float | None = None


@dataclass(frozen=True, kw_only=True)
class UsualTerms:
    """What is usual, by segment, and how discounts are written."""

    segments: Mapping[str, Usual]
    #: 100 where discounts are written in per cent, 1 where as shares.
    scale: float = 100.0

    @classmethod
    def unknown(cls) -> UsualTerms:
        """Nothing is known about what is usual."""
        return cls(segments={})

    def of(self, segment: str | None, /) -> Usual:
        """What is usual in a segment."""
        return self.segments.get(segment or "", Usual())


def usual(labelled: pl.DataFrame | pl.LazyFrame, profile: Profile, /) -> UsualTerms:
    """The medians of discount and care among best customers, by nearest segment.

    Columns that are not there, or are no numbers, leave them unknown.
    """
    from icp.scoring import score

    best = labelled.lazy().filter(pl.col("outcome") == "best").collect()
    types = best.schema
    there = [c for c in (DISCOUNT, CARE) if c in types and types[c].is_numeric()]
    if not there or best.is_empty():
        return UsualTerms.unknown()
    needed = [c for c in {*there, *profile.columns} if c in types]
    amounts = best.select(needed).with_columns(
        pl.col(c).cast(pl.Float64).fill_nan(None) for c in there
    )
    scored = score(amounts, profile)
    most = scored[DISCOUNT].max() if DISCOUNT in there else None
    scale = 100.0 if isinstance(most, int | float) and most > 1 else 1.0
    medians = scored.group_by("nearest_best").agg(pl.col(c).median() for c in there)
    return UsualTerms(
        segments={
            row["nearest_best"] or "": Usual(
                discount=_over(row.get(DISCOUNT), scale), care=row.get(CARE)
            )
            for row in medians.iter_rows(named=True)
        },
        scale=scale,
    )


def terms_of(
    row: Mapping[str, object], segment: str | None, known: UsualTerms, /
) -> Terms:
    """The terms of one account whose nearest best segment is `segment`."""
    common = known.of(segment)
    return Terms(
        discount=_over(_number(row.get(DISCOUNT)), known.scale),
        usual_discount=common.discount,
        cost_to_keep=_number(row.get(CARE)),
        usual_cost_to_keep=common.care,
        incumbent_months=_number(row.get(INCUMBENT)),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value) if value == value else None


def _over(value: float | None, scale: float) -> float | None:
    return None if value is None else value / scale
