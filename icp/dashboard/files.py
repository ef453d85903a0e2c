"""Bring files in: upload, look, correct how the columns are understood, import."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st
from pydantic import ValidationError
from streamlit import column_config as cc

from icp.dashboard import components, jobs
from icp.dashboard.components import day, escaped, quiet
from icp.dashboard.routes import link
from icp.dashboard.views import prospects
from icp.errors import MappingError, some
from icp.ingest.mapping_rules import ColumnMapping
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from icp.workflow import ImportSummary, SourceImport, SourcePreview, Workspace


# ---- How a file's columns are understood, in a table that a person can correct

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
        rules.append(rule.model_dump() | update)
    try:
        return ColumnMapping.model_validate(mapping.model_dump() | {"columns": rules})
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


_TYPES: Final = ["csv", "tsv", "txt", "xlsx", "xls", "parquet"]
#: What a file may hold -> how it reads.
_OBJECTS: Final = {
    "accounts": "Customers, one row each",
    "prospects": "Prospects, one row each",
    "deals": "Deals or opportunities",
    "invoices": "Invoices or order lines",
    "tickets": "Support tickets",
    "other": "Something else that belongs to accounts",
}
_SAID: Final = "files-said"


def draw(space: Workspace, /) -> None:
    """Draw the files there are and the way to bring in another."""
    if space.config.sources:
        components.section("Files in this workspace")
        components.table(_listed(space), alt="Files", height="content")
        jobs.button(space, "import", "Import all files")
        job = jobs.panel(space, "import")
        if job is not None and job.state == "done":
            link(
                "data", "Look at the quality of the import", query={"step": "2 Quality"}
            )
    components.said(_SAID)
    components.section("Add a file", "An export of your CRM: CSV, Excel or Parquet.")
    uploaded = st.file_uploader(
        "File", type=_TYPES, label_visibility="collapsed", key=_uploader_key()
    )
    if uploaded is None:
        return
    path, digest = _kept(uploaded)
    _review(space, path, digest)


def _listed(space: Workspace) -> pl.DataFrame:
    last = space.imports.last()
    rows = {s.name: s.rows for s in last.sources} if last else {}
    return pl.DataFrame(
        {
            "file": [s.name for s in space.config.sources],
            "what": [_OBJECTS.get(s.object, s.object) for s in space.config.sources],
            "rows imported": [rows.get(s.name) for s in space.config.sources],
        },
        schema={"file": pl.String, "what": pl.String, "rows imported": pl.Int64},
    )


def _uploader_key() -> str:
    """A new key empties the uploader once its file has been added."""
    return f"upload-{st.session_state.get('uploads', 0)}"


def _kept(uploaded: UploadedFile) -> tuple[Path, str]:
    """Write the upload to disk at once; the session keeps its path and hash only."""
    content = uploaded.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    folder = st.session_state.setdefault("upload-folder", tempfile.mkdtemp("icp"))
    path = Path(folder) / digest[:16] / Path(uploaded.name).name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path, digest


def _review(space: Workspace, path: Path, digest: str) -> None:
    preview = _chosen(space, path, digest)
    st.markdown(
        quiet(
            f"{escaped(path.name)}: {some(preview.rows, 'row')}, "
            f"{some(preview.head.width, 'column')}. The first rows:"
        )
    )
    components.table(preview.head, alt="First rows", height=220)
    components.section("What you should know about it")
    components.findings(preview.findings, key="preview-findings")
    sheet = preview.report.sheet
    mapping = edited(preview, key=f"{digest[:8]}-{sheet}-{preview.object}")
    name = st.text_input("Call it", _safe(path.stem), key=f"name-{digest[:8]}")
    if name in _names(space):
        st.markdown(quiet("It takes the place of the file of that name."))
    if st.button("Add this file", type="primary"):
        _add(space, preview, mapping, name or None)


def _chosen(space: Workspace, path: Path, digest: str) -> SourcePreview:
    """The file as read with the sheet and the meaning that were picked."""
    first = _preview(space, str(space.path), str(path), digest, None, None)
    what, where = st.columns(2)
    meaning = what.selectbox(
        "What does it hold?",
        list(_OBJECTS),
        format_func=_OBJECTS.__getitem__,
        index=list(_OBJECTS).index(first.object),
        key=f"what-{digest[:8]}",
    )
    names = [sheet.name for sheet in first.sheets]
    sheet = first.report.sheet
    if len(names) > 1:
        sheet = where.selectbox(
            "Sheet",
            names,
            index=names.index(sheet) if sheet in names else 0,
            key=f"sheet-{digest[:8]}",
        )
    if (meaning, sheet) == (first.object, first.report.sheet):
        return first
    return _preview(space, str(space.path), str(path), digest, sheet, meaning)


@st.cache_resource(max_entries=8, show_spinner="Reading the file …", scope="session")
def _preview(
    _space: Workspace,
    folder: str,
    path: str,
    digest: str,
    sheet: str | None,
    meaning: str | None,
) -> SourcePreview:
    given: Any = meaning
    return _space.sources.preview(Path(path), sheet=sheet, object=given)


def _add(
    space: Workspace,
    preview: SourcePreview,
    mapping: ColumnMapping,
    name: str | None,
) -> None:
    before = _names(space)
    source = space.sources.add(
        preview.path,
        name=name,
        object=preview.object,
        mapping=mapping,
        sheet=preview.report.sheet,
        confirm=True,
    )
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    what = "is replaced" if source.name in before else "is added"
    text = f"{source.name} {what}. Add another, or import all files."
    components.say(_SAID, "success", text)
    st.rerun()


def _names(space: Workspace) -> set[str]:
    """What the files of the workspace are called."""
    return {source.name for source in space.config.sources}


def _safe(stem: str) -> str:
    """A file's name as a source may be called."""
    return re.sub(r"[^A-Za-z0-9_. -]+", "_", stem).lstrip("_. -") or "file"


# ---- What came in and what did not: the ledger of lines, findings, quarantined rows

_SHOWN = 200


def draw_quality(space: Workspace, /) -> None:
    """Draw the quality of the last import."""
    last = space.imports.last()
    if last is None:
        components.empty(
            "Nothing is imported yet", "Add a file under Files, then import.", None
        )
        return
    st.markdown(
        quiet(
            f"Import {last.number}, {day(last.created_at)}: "
            f"{some(last.customers, 'customer')}, {some(last.prospects, 'prospect')}."
        )
    )
    components.section(
        "Where every line went",
        "Used, repaired, quarantined and excluded add up to read.",
    )
    components.table(ledger(last), alt="Lines per file", height="content")
    components.section("What you should know", "Worst first.")
    components.findings(last.findings, key="findings")
    _unmatched(last)
    _quarantine(space)


def ledger(last: ImportSummary, /) -> pl.DataFrame:
    """One row per file: how many lines were read and where they went."""
    return pl.DataFrame([_line(source) for source in last.sources])


def _line(source: SourceImport) -> dict[str, object]:
    book = source.report.ledger
    return {
        "file": source.name,
        "what": source.object,
        "lines read": book.read,
        "used": book.used,
        "repaired": book.repaired,
        "quarantined": book.quarantined,
        "excluded": book.excluded,
        "adds up": "yes" if book.balanced else "no",
        "rows": source.rows,
    }


def _unmatched(last: ImportSummary) -> None:
    if not last.unmatched:
        return
    components.section(
        "What did not find its partner", "Rows of one file that no row of another fits."
    )
    components.bullets(f"{name}: {rows:,}" for name, rows in last.unmatched.items())


def _quarantine(space: Workspace) -> None:
    kept_out = space.imports.quarantine()
    if kept_out.is_empty():
        return
    components.section(
        "Quarantined rows", "As they came, with the reason. Correct them at the source."
    )
    components.table(
        kept_out.head(_SHOWN), alt=f"{some(len(kept_out), 'row')} quarantined"
    )
    st.download_button(
        f"All {len(kept_out):,} as CSV",
        lambda: prospects.as_csv(kept_out),
        "kept_out.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
