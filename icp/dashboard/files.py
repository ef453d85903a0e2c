"""Bring files in: upload, look, correct how the columns are understood, import."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from icp.dashboard import columns, components, jobs
from icp.dashboard.routes import link
from icp.dashboard.text import escaped, quiet
from icp.errors import some

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from icp.ingest.mapping import ColumnMapping
    from icp.workflow import SourcePreview, Workspace

__all__ = ["draw"]

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
    last = space.last_import()
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
    mapping = columns.edited(preview, key=f"{digest[:8]}-{sheet}-{preview.object}")
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
    return _space.read_preview(Path(path), sheet=sheet, object=given)


def _add(
    space: Workspace,
    preview: SourcePreview,
    mapping: ColumnMapping,
    name: str | None,
) -> None:
    before = _names(space)
    source = space.add_source(
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
