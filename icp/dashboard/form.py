"""A form with one field per attribute of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard.components import capital
from icp.dashboard.text import label
from icp.schema import Kind
from icp.scoring.words import title_of

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile

__all__ = ["field", "values"]

_STATE = "form-values"
_COLUMNS = 3


def values(profile: Profile, /) -> dict[str, object] | None:
    """What was last filled in, by column; None before the first time.

    A field left empty is not known and not in the answer.
    """
    by_column: dict[str, list[AttributeTable]] = {}
    for table in profile.tables:
        by_column.setdefault(table.column, []).append(table)
    with st.form("account-form"):
        filled = {}
        for place, (column, tables) in enumerate(by_column.items()):
            if place % _COLUMNS == 0:
                cells = st.columns(_COLUMNS)
            with cells[place % _COLUMNS]:
                filled[column] = field(tables, key="field")
        if st.form_submit_button("Work out the fit", type="primary"):
            known = {c: v for c, v in filled.items() if v not in (None, [])}
            st.session_state[_STATE] = known
    kept: dict[str, object] | None = st.session_state.get(_STATE)
    return kept


def field(tables: list[AttributeTable], /, *, key: str) -> object:
    """A field for the column of these tables; None where nothing is filled in."""
    table = tables[0]
    title = label(capital(title_of(table)))
    key = f"{key}-{table.column}"
    if table.kind is Kind.NUMBER:
        unit = f" ({label(table.unit)})" if table.unit else ""
        return st.number_input(f"{title}{unit}", value=None, key=key)
    if table.kind is Kind.MULTI:
        offered = [t.value for t in tables if t.value is not None]
        return st.multiselect(_column_title(table), offered, key=key)
    if table.kind is Kind.FLAG:
        answer = st.selectbox(
            title, ["yes", "no"], index=None, placeholder="Not known", key=key
        )
        return None if answer is None else answer == "yes"
    levels = [level for level, code in table.levels if code > 1]
    return st.selectbox(title, levels, index=None, placeholder="Not known", key=key)


def _column_title(table: AttributeTable) -> str:
    return label(capital(table.column.replace("_", " ")))
