"""What a person may choose about learning."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FitOptions"]


class FitOptions(BaseModel):
    """Options of `fit_profile`; the defaults are meant to be left alone.

    >>> FitOptions(folds=1)
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for FitOptions
    folds
      Input should be greater than or equal to 2 [type=greater_than_equal, ...]
        ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Suspicious columns that a person has answered for.
    accept: tuple[str, ...] = ()
    #: Columns to leave out although their role allows them.
    exclude: tuple[str, ...] = ()
    #: Columns that the outcome was made from, such as those of an account's worth.
    made_from: tuple[str, ...] = ()
    #: Most segments of each kind.
    max_segments: Annotated[int, Field(ge=1, le=12)] = 6
    #: Customers that the pooled shares are worth in every segment (methods 1a).
    prior: Annotated[float, Field(gt=0, le=100)] = 4.0
    #: Fewest customers for a level to be a cell of its own.
    min_level: Annotated[int, Field(ge=1)] = 4
    #: Most levels of one attribute.
    max_levels: Annotated[int, Field(ge=2, le=2000)] = 100
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    #: Bootstrap refits behind the intervals; None chooses 200 to 30 by size.
    refits: Annotated[int, Field(ge=0, le=2000)] | None = None
    #: Probability above which pursuing pays; grade B starts here.
    break_even: Annotated[float, Field(gt=0, lt=1)] = 0.5
    #: Least share of the profile's information that must be known to score.
    least_known: Annotated[float, Field(ge=0, le=1)] = 0.4
