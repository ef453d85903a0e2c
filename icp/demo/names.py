"""Invented company names, web domains and addresses; any likeness is chance."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final

import numpy as np
import polars as pl

__all__ = ["named"]

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


def named(frame: pl.DataFrame, /, *, start: int) -> pl.DataFrame:
    """Add `account_name` and `domain`; names differ until 14,976 were used up.

    `start` is the running number of the first row. Needs `billing_country`.
    """
    stems, hosts = _stems(), _hosts()
    chosen = (np.arange(start, start + frame.height) * _STRIDE) % len(stems)
    return frame.with_columns(
        account_name=stems.gather(chosen)
        + " "
        + pl.col("billing_country").replace_strict(_FORMS),
        domain=hosts.gather(chosen),
    )


@cache
def _stems() -> pl.Series:
    parts = product(_FIRST.split(), _SECOND.split(), _THIRD.split())
    return pl.Series(["".join(part) for part in parts])


@cache
def _hosts() -> pl.Series:
    stems = (stem.lower().translate(_ASCII) for stem in _stems().to_list())
    return pl.Series([f"{stem}.example" for stem in stems])
