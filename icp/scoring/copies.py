"""Frozen values with some fields changed, as a request path needs them."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["changed"]

T = TypeVar("T")


def changed(one: T, /, **fields: object) -> T:
    """A copy of a frozen dataclass with other values in some fields.

    Like `dataclasses.replace`, without calling the constructor: that sets field after
    field, which would take most of an explanation.
    """
    made = object.__new__(type(one))
    object.__setattr__(made, "__dict__", vars(one) | fields)
    return made
