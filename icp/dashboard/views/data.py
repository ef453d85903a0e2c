"""Import and learn: files, their quality, outcomes, a profile, scores."""

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

from icp.dashboard import components, jobs, outcomes, session
from icp.dashboard.components import day, escaped, quiet
from icp.dashboard.outcomes import readable
from icp.dashboard.routes import link
from icp.dashboard.views import prospects
from icp.errors import IcpError, MappingError, some
from icp.ingest.mapping_rules import ColumnMapping
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from icp.profile import ColumnFinding
    from icp.store.records import ProfileRecord
    from icp.workflow import ImportSummary, SourceImport, SourcePreview, Workspace


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Import and learn",
        "From your exports to a profile: import files, check them, define outcomes, "
        "learn.",
    )
    space = session.workspace()
    components.tabs(
        {
            "1 Files": lambda: _files(space),
            "2 Quality": lambda: _quality(space),
            "3 Outcomes": lambda: outcomes.draw(space),
            "4 Learn and score": lambda: _learning(space),
        },
        key="step",
    )


_FILE_NOTICE: Final = "files-notice"
_TYPES: Final = ["csv", "tsv", "txt", "xlsx", "xls", "parquet"]
#: Object -> how it reads.
_OBJECTS: Final = {
    "accounts": "Customers, one row each",
    "prospects": "Prospects, one row each",
    "deals": "Deals or opportunities",
    "invoices": "Invoices or order lines",
    "tickets": "Support tickets",
    "other": "Other data about accounts",
}


def _files(space: Workspace, /) -> None:
    """The files of the workspace, and the way to add another."""
    if space.config.sources:
        components.section("Files in this workspace")
        components.table(_sources(space), alt="Files", height="content")
        jobs.button(space, "import", "Import all files")
        job = jobs.panel(space, "import")
        if job is not None and job.state == "done":
            link("data", "Check the quality of the import", query={"step": "2 Quality"})
    components.show_notice(_FILE_NOTICE)
    components.section("Add a file", "An export of your CRM: CSV, Excel or Parquet.")
    upload = st.file_uploader(
        "File", type=_TYPES, label_visibility="collapsed", key=_uploader_key()
    )
    if upload is None:
        return
    path, digest = _save_upload(upload)
    _review(space, path, digest)


def _sources(space: Workspace) -> pl.DataFrame:
    last = space.imports.last()
    rows = {s.name: s.rows for s in last.sources} if last else {}
    return pl.DataFrame(
        {
            "file": [s.name for s in space.config.sources],
            "contents": [
                _OBJECTS.get(s.object, s.object) for s in space.config.sources
            ],
            "rows imported": [rows.get(s.name) for s in space.config.sources],
        },
        schema={"file": pl.String, "contents": pl.String, "rows imported": pl.Int64},
    )


def _uploader_key() -> str:
    """A new key empties the uploader once its file has been added."""
    return f"upload-{st.session_state.get('uploads', 0)}"


def _save_upload(upload: UploadedFile) -> tuple[Path, str]:
    """Write the upload to disk at once; the session keeps its path and hash only."""
    content = upload.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    folder = st.session_state.setdefault("upload-folder", tempfile.mkdtemp("icp"))
    path = Path(folder) / digest[:16] / Path(upload.name).name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path, digest


def _review(space: Workspace, path: Path, digest: str) -> None:
    preview = _choice(space, path, digest)
    st.markdown(
        quiet(
            f"{escaped(path.name)}: {some(preview.rows, 'row')}, "
            f"{some(preview.head.width, 'column')}. The first rows:"
        )
    )
    components.table(preview.head, alt="First rows", height=220)
    components.section("Findings")
    components.findings(preview.findings, key="preview-findings")
    sheet = preview.report.sheet
    mapping = _mapping(preview, key=f"{digest[:8]}-{sheet}-{preview.object}")
    name = st.text_input("Name", source_name(path.stem), key=f"name-{digest[:8]}")
    if name in _names(space):
        st.markdown(quiet("This replaces the existing file of that name."))
    if st.button("Add this file", type="primary"):
        _add(space, preview, mapping, name or None)


def _choice(space: Workspace, path: Path, digest: str) -> SourcePreview:
    """The file, read with the sheet and the contents that a person picked."""
    first = _preview(space, str(space.path), str(path), digest, None, None)
    left, right = st.columns(2)
    contents = left.selectbox(
        "What does it contain?",
        list(_OBJECTS),
        format_func=_OBJECTS.__getitem__,
        index=list(_OBJECTS).index(first.object),
        key=f"contents-{digest[:8]}",
    )
    names = [sheet.name for sheet in first.sheets]
    sheet = first.report.sheet
    if len(names) > 1:
        sheet = right.selectbox(
            "Sheet",
            names,
            index=names.index(sheet) if sheet in names else 0,
            key=f"sheet-{digest[:8]}",
        )
    if (contents, sheet) == (first.object, first.report.sheet):
        return first
    return _preview(space, str(space.path), str(path), digest, sheet, contents)


@st.cache_resource(max_entries=8, show_spinner="Reading the file …", scope="session")
def _preview(
    _space: Workspace,
    folder: str,
    path: str,
    digest: str,
    sheet: str | None,
    contents: str | None,
) -> SourcePreview:
    kind: Any = contents
    return _space.sources.preview(Path(path), sheet=sheet, object=kind)


_EDITABLE: Final = ("name", "role", "kind", "date order", "decimal")
_EXAMPLES = 3
_ROLE_WORDS: Final = {role: role.value.replace("_", " ") for role in Role}
_ROLES: Final = {words: role for role, words in _ROLE_WORDS.items()}


def _mapping(preview: SourcePreview, /, *, key: str) -> ColumnMapping:
    """Show the proposed mapping and return it with the person's corrections."""
    components.section(
        "Column mapping",
        "Correct anything that is wrong. A profile learns only from columns that are "
        "known at first contact or at qualification.",
    )
    proposal = mapping_table(preview)
    table = st.data_editor(
        proposal,
        hide_index=True,
        disabled=[name for name in proposal.columns if name not in _EDITABLE],
        column_config=_mapping_config(),
        key=f"columns-{key}",
        height=min(600, 38 + 35 * len(proposal)),
        alt="Column mapping",
    )
    return corrected(preview.mapping, table)


def mapping_table(preview: SourcePreview, /) -> pl.DataFrame:
    """One row per column of the file, in its order."""
    rules = preview.mapping.columns
    return pl.DataFrame(
        {
            "column": [r.source for r in rules],
            "examples": [_examples(preview.head, r.source) for r in rules],
            "name": [r.name for r in rules],
            "role": [_ROLE_WORDS[r.role] for r in rules],
            "kind": [r.kind.value for r in rules],
            "date order": [r.date_order or "" for r in rules],
            "decimal": [r.decimal or "" for r in rules],
            "why": [r.reason for r in rules],
        },
        schema=dict.fromkeys(
            (
                "column",
                "examples",
                "name",
                "role",
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


def _mapping_config() -> dict[str, Any]:
    return {
        "column": cc.TextColumn("Column in the file", width="medium"),
        "examples": cc.TextColumn("Examples", width="medium"),
        "name": cc.TextColumn("Name", required=True),
        "role": cc.SelectboxColumn("Role", options=list(_ROLES), required=True),
        "kind": cc.SelectboxColumn(
            "Kind", options=[kind.value for kind in Kind], required=True, width="small"
        ),
        "date order": cc.SelectboxColumn(
            "Date order", options=["", "ymd", "dmy", "mdy"], width="small"
        ),
        "decimal": cc.SelectboxColumn(
            "Decimal mark", options=["", ".", ","], width="small"
        ),
        "why": cc.TextColumn("Why", width="large"),
    }


def corrected(mapping: ColumnMapping, table: pl.DataFrame, /) -> ColumnMapping:
    """The mapping with the table's corrections.

    Raises MappingError where a correction is not possible.
    """
    by_column = {row["column"]: row for row in table.iter_rows(named=True)}
    rules = []
    for rule in mapping.columns:
        row = by_column[rule.source]
        update = {
            "name": row["name"],
            "role": _ROLES[row["role"]],
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
                f"column {column!r} cannot have that name; use letters, "
                "digits and _, and do not start with a digit"
            )
    message = fault["msg"].removeprefix("Value error, ")
    return f"{message}; every column needs a name of its own"


def source_name(stem: str) -> str:
    """A file's name as the name of a source."""
    return re.sub(r"[^A-Za-z0-9_. -]+", "_", stem).lstrip("_. -") or "file"


def _names(space: Workspace) -> set[str]:
    """The names of the workspace's files."""
    return {source.name for source in space.config.sources}


def _add(
    space: Workspace,
    preview: SourcePreview,
    mapping: ColumnMapping,
    name: str | None,
) -> None:
    names = _names(space)
    source = space.sources.add(
        preview.path,
        name=name,
        object=preview.object,
        mapping=mapping,
        sheet=preview.report.sheet,
        confirm=True,
    )
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    action = "replaced" if source.name in names else "added"
    text = f"{source.name} was {action}. Add another, or import all files."
    components.notice(_FILE_NOTICE, "success", text)
    st.rerun()


_QUARANTINE_ROWS = 200


def _quality(space: Workspace, /) -> None:
    """Draw the quality of the last import."""
    last = space.imports.last()
    if last is None:
        components.empty(
            "Nothing imported yet", "Add a file under Files, then import.", None
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
        "Lines used, repaired, quarantined and excluded add up to lines read.",
    )
    components.table(ledger(last), alt="Lines per file", height="content")
    components.section("Findings", "Worst first.")
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
        "contents": source.object,
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
        "Unmatched rows", "Rows of one file that match no row of another."
    )
    components.bullets(f"{name}: {rows:,}" for name, rows in last.unmatched.items())


def _quarantine(space: Workspace) -> None:
    rows = space.imports.quarantine()
    if rows.is_empty():
        return
    components.section(
        "Quarantined rows",
        "As they came in, with the reason. Correct them at the source.",
    )
    components.table(
        rows.head(_QUARANTINE_ROWS), alt=f"{some(len(rows), 'row')} quarantined"
    )
    st.download_button(
        f"Download all {len(rows):,} as CSV",
        lambda: prospects.as_csv(rows),
        "quarantined.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


_LEARN_NOTICE = "learning-notice"


def _learning(space: Workspace, /) -> None:
    """Learn a profile in the background, put it in force, score the prospects."""
    status = space.status()
    if not status.labels:
        components.empty(
            "No customers are labelled yet",
            "Save the labels under Outcomes first; a profile is learned from them.",
        )
        return
    components.section(
        "Learn",
        f"From {status.labels.get('best', 0):,} best and "
        f"{status.labels.get('regrettable', 0):,} regrettable customers. It runs in "
        "the background; you can leave the page and come back.",
    )
    jobs.button(space, "learn", "Learn a profile", primary=status.profiles == 0)
    jobs.panel(space, "learn")
    if status.active is not None:
        link("profile", f"{status.active.version} is in force. View it")
    newest = next(iter(space.profiles.list()), None)
    if newest is not None:
        _newest(space, newest, status.active)
    components.show_notice(_LEARN_NOTICE)
    if newest is not None:
        _refusals(space, newest.version)
    _scoring(space)


def _newest(
    space: Workspace, newest: ProfileRecord, active: ProfileRecord | None
) -> None:
    """Offer the newest profile, whoever learned it, unless it is in force."""
    version = newest.version
    if active is not None and active.version == version:
        return
    st.markdown(f"{version} is ready; evidence: {newest.evidence}.")
    link("profile", f"Review {version} first", query={"version": version})
    st.button(
        f"Put {version} in force",
        type="primary",
        on_click=_put_in_force,
        args=(space, version),
    )


def _put_in_force(space: Workspace, version: str) -> None:
    try:
        space.profiles.activate(version, reason="put in force after learning")
    except IcpError as error:
        components.notice(_LEARN_NOTICE, "error", str(error))
    else:
        components.notice(_LEARN_NOTICE, "success", f"{version} is now in force.")


#: Reasons that no person can overrule: there is nothing to learn from.
_USELESS: Final = {"empty", "constant", "rare", "identifier", "copy"}
_REFUSAL_NOTICE: Final = "refusal-notice"


def _refusals(space: Workspace, version: str, /) -> None:
    """The columns that a version did not learn from, and those a person accepted."""
    answers = space.config.learning.accept
    findings = session.profile(version).provenance.findings
    refusals = to_accept(findings, {answer.column for answer in answers})
    if not (refusals or answers):
        return
    components.section(
        "Refused columns",
        f"{version} did not learn from them: they look like leaks, known only after "
        "the sale.",
    )
    components.show_notice(_REFUSAL_NOTICE)
    if refusals:
        alt = some(len(refusals), "refused column")
        components.reading(refusal_table(refusals), alt=alt)
        _accept_form(space, refusals)
    for answer in answers:
        column, who = escaped(readable(answer.column)), escaped(answer.who)
        st.markdown(f"- **{column}** was accepted by {who}: {escaped(answer.why)}")


def to_accept(
    findings: Iterable[ColumnFinding], answers: set[str], /
) -> tuple[ColumnFinding, ...]:
    """Refused columns that a person may still accept."""
    return tuple(
        finding
        for finding in findings
        if finding.excluded
        and finding.code not in _USELESS
        and finding.column not in answers
    )


def refusal_table(refusals: Iterable[ColumnFinding], /) -> pl.DataFrame:
    """`column` as people write it, and `why` it was refused."""
    rows = [(readable(f.column), components.reason(f)) for f in refusals]
    return pl.DataFrame(rows, ["column", "why"], orient="row")


def _accept_form(space: Workspace, refusals: Iterable[ColumnFinding]) -> None:
    with (
        st.expander("Accept a column that is known before the sale"),
        st.form("accept", border=False, clear_on_submit=True),
    ):
        first, second = st.columns([1, 2])
        column = first.selectbox(
            "Column", [f.column for f in refusals], format_func=readable
        )
        why = second.text_input("Why", placeholder="When is it known, and from whom?")
        if st.form_submit_button("Accept"):
            _accept(space, column, why or "")


def _accept(space: Workspace, column: str, why: str) -> None:
    try:
        space.profiles.accept_column(column, why=why)
    except IcpError as error:
        components.problem(str(error))
        return
    text = (
        f"{readable(column)} was accepted. Learn again, so that a profile can use it."
    )
    components.notice(_REFUSAL_NOTICE, "success", text)
    st.rerun()


def _scoring(space: Workspace) -> None:
    status = space.status()
    components.section("Score the prospects")
    if status.active is None:
        st.markdown("Put a profile in force first.")
        return
    if status.last_import is None or not status.last_import.prospects:
        components.empty(
            "No prospects are imported",
            "Add a file of prospects under Files; it is scored with the profile in "
            "force.",
        )
        return
    jobs.button(
        space,
        "score",
        f"Score {some(status.last_import.prospects, 'prospect')}",
        primary=status.last_run is None,
    )
    job = jobs.panel(space, "score")
    if job is not None and job.state == "done":
        link("prospects", "Go to the prospects")
