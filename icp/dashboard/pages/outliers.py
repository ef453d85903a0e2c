"""Outliers: accounts unlike your best, unlike any customer, or both."""

from __future__ import annotations

__all__ = ["draw"]
