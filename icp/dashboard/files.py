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
from icp.dashboard.text import escaped, quiet

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
        jobs.panel(space, "import")
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
    preview = _preview(space, str(space.path), str(path), digest, None)
    sheet = None
    if len(preview.sheets) > 1:
        names = [s.name for s in preview.sheets]
        shown = preview.report.sheet
        sheet = st.selectbox(
            "Sheet",
            names,
            index=names.index(shown) if shown in names else 0,
            key=f"sheet-{digest[:8]}",
        )
        preview = _preview(space, str(space.path), str(path), digest, sheet)
    st.markdown(
        quiet(
            f"{escaped(path.name)}: {preview.rows:,} rows, "
            f"{len(preview.mapping.columns):,} columns, of which the first 20 rows:"
        )
    )
    components.table(preview.head, alt="First rows", height=220)
    components.section("What the file says about itself")
    components.findings(preview.findings, key="preview-findings")
    mapping = columns.edited(preview, key=f"{digest[:8]}-{sheet}")
    _add(space, path, mapping, sheet)


@st.cache_resource(max_entries=8, show_spinner="Reading the file …", scope="session")
def _preview(
    _space: Workspace, folder: str, path: str, digest: str, sheet: str | None
) -> SourcePreview:
    return _space.read_preview(Path(path), sheet=sheet)


def _add(
    space: Workspace, path: Path, mapping: ColumnMapping, sheet: str | None
) -> None:
    what, name = st.columns(2, vertical_alignment="bottom")
    chosen = what.selectbox(
        "What does it hold?",
        list(_OBJECTS),
        format_func=_OBJECTS.__getitem__,
        index=list(_OBJECTS).index(_guess(path.stem)),
        key=f"what-{path.parent.name}",
    )
    called = name.text_input(
        "Call it", _safe(path.stem), key=f"name-{path.parent.name}"
    )
    if st.button("Add this file", type="primary"):
        options: dict[str, Any] = {"object": chosen, "mapping": mapping, "sheet": sheet}
        source = space.add_source(path, name=called or None, confirm=True, **options)
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
        text = f"{source.name} is added. Add another, or import all files."
        components.say(_SAID, "success", text)
        st.rerun()


def _safe(stem: str) -> str:
    """A file's name as a source may be called."""
    return re.sub(r"[^A-Za-z0-9_. -]+", "_", stem).lstrip("_. -") or "file"


def _guess(stem: str) -> str:
    """What a file of that name most likely holds."""
    lowered = stem.lower()
    for word, meaning in _WORDS.items():
        if word in lowered:
            return meaning
    return "accounts"


_WORDS: Final = {
    "prospect": "prospects",
    "lead": "prospects",
    "deal": "deals",
    "opportunit": "deals",
    "invoice": "invoices",
    "order": "invoices",
    "ticket": "tickets",
    "case": "tickets",
}
