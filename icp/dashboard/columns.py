"""How a file's columns are understood, in a table that a person can correct."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st
from pydantic import ValidationError
from streamlit import column_config as cc

from icp.dashboard import components
from icp.errors import MappingError
from icp.ingest.mapping import ColumnMapping
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.workflow import SourcePreview

__all__ = ["applied", "edited", "rows"]

_WORDS: Final = {role: role.value.replace("_", " ") for role in Role}
_ROLES: Final = {words: role for role, words in _WORDS.items()}
_EDITABLE: Final = ("called", "use", "kind", "date order", "decimal")
_EXAMPLES = 3


def edited(preview: SourcePreview, /, *, key: str) -> ColumnMapping:
    """Show the proposed mapping and return it with the person's corrections."""
    components.section(
        "How the columns are understood",
        "Correct what is wrong. Only what is known at first contact or when qualified "
        "is ever learnt from.",
    )
    given = rows(preview)
    changed = st.data_editor(
        given,
        hide_index=True,
        disabled=[name for name in given.columns if name not in _EDITABLE],
        column_config=_config(),
        key=f"columns-{key}",
        height=min(600, 38 + 35 * len(given)),
        alt="Columns and how they are understood",
    )
    return applied(preview.mapping, changed)


def rows(preview: SourcePreview, /) -> pl.DataFrame:
    """One row per column of the file, in its order."""
    rules = preview.mapping.columns
    return pl.DataFrame(
        {
            "column": [r.source for r in rules],
            "examples": [_examples(preview.head, r.source) for r in rules],
            "called": [r.name for r in rules],
            "use": [_WORDS[r.role] for r in rules],
            "kind": [r.kind.value for r in rules],
            "date order": [r.date_order or "" for r in rules],
            "decimal": [r.decimal or "" for r in rules],
            "why": [r.reason for r in rules],
        },
        schema=dict.fromkeys(
            (
                "column",
                "examples",
                "called",
                "use",
                "kind",
                "date order",
                "decimal",
                "why",
            ),
            pl.String,
        ),
    )


def _examples(head: pl.DataFrame, column: str) -> str:
    if column not in head.columns:
        return ""
    values = head[column].drop_nulls().unique(maintain_order=True).head(_EXAMPLES)
    return " · ".join(values.to_list())


def _config() -> dict[str, Any]:
    return {
        "column": cc.TextColumn("Column in the file", width="medium"),
        "examples": cc.TextColumn("Examples", width="medium"),
        "called": cc.TextColumn("Called", required=True),
        "use": cc.SelectboxColumn("Use", options=list(_ROLES), required=True),
        "kind": cc.SelectboxColumn(
            "Kind", options=[kind.value for kind in Kind], required=True, width="small"
        ),
        "date order": cc.SelectboxColumn(
            "Date order", options=["", "ymd", "dmy", "mdy"], width="small"
        ),
        "decimal": cc.SelectboxColumn("Decimal", options=["", ".", ","], width="small"),
        "why": cc.TextColumn("Why", width="large"),
    }


def applied(mapping: ColumnMapping, table: pl.DataFrame, /) -> ColumnMapping:
    """The mapping with what the table says; untouched rules stay as proposed.

    Raises MappingError where it cannot be so.
    """
    changed = {row["column"]: row for row in table.iter_rows(named=True)}
    rules = []
    for rule in mapping.columns:
        row = changed[rule.source]
        update = {
            "name": row["called"],
            "role": _ROLES[row["use"]],
            "kind": Kind(row["kind"]),
            "date_order": row["date order"] or None,
            "decimal": row["decimal"] or None,
        }
        rules.append(rule.model_copy(update=update))
    given = {"columns": [rule.model_dump() for rule in rules]}
    try:
        return ColumnMapping.model_validate(mapping.model_dump() | given)
    except ValidationError as error:
        raise MappingError(_fault(error, mapping)) from None


def _fault(error: ValidationError, mapping: ColumnMapping) -> str:
    """What is wrong with the corrections, and what to do about it."""
    fault = error.errors(include_input=False, include_url=False)[0]
    match fault["loc"]:
        case ("columns", int(place), "name"):
            column = mapping.columns[place].source
            return (
                f"column {column!r} cannot be called so; use letters, digits and _, "
                "and no digit in front"
            )
    said = fault["msg"].removeprefix("Value error, ")
    return f"{said}; every column needs a name of its own"
