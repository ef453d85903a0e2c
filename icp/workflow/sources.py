"""Which exports a workspace reads, and how their columns are understood."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from icp.config import SourceConfig
from icp.errors import NotFoundError, counted
from icp.ingest.mapping import ColumnMapping, check_mapping, propose_mapping
from icp.ingest.parse import parse
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE
from icp.store.bulk import replaced
from icp.workflow.results import SourcePreview, worst_first

if TYPE_CHECKING:
    from icp.ingest.result import IngestResult
    from icp.workflow.context import Context

__all__ = [
    "add",
    "ingested",
    "mapping_of",
    "named",
    "preview",
    "read_as",
    "save_mapping",
]

_HEAD_ROWS: Final = 20
_FOLDER: Final = "sources"


def preview(
    context: Context,
    path: Path,
    /,
    *,
    options: ReadOptions,
    mapping: ColumnMapping | None = None,
) -> SourcePreview:
    """Read a file as it would be imported, without keeping anything."""
    table = read_table(path, options=options)
    known = mapping or _saved(context, _name_for(path))
    proposed = propose_mapping(table, known=known)
    changes = check_mapping(table, known) if known else ()
    result = parse(table, proposed)
    return SourcePreview(
        path=path,
        head=table.frame.drop(LINE, strict=False).head(_HEAD_ROWS),
        rows=table.frame.height,
        report=result.report,
        mapping=proposed,
        findings=worst_first([*result.report.findings, *changes]),
    )


def ingested(context: Context, source: SourceConfig, /) -> IngestResult:
    """Read and parse a source with its saved mapping; changes become findings."""
    table = read_table(_location(context, source), options=_options(source))
    known = _saved(context, source.name)
    changes = check_mapping(table, known) if known else ()
    noted = _with_changes(table, changes)
    return parse(noted, propose_mapping(noted, known=known))


def add(
    context: Context,
    path: Path,
    /,
    *,
    name: str | None,
    object_: str,
    options: ReadOptions,
    mapping: ColumnMapping | None,
    confirm: bool,
) -> SourceConfig:
    """Copy a file into the workspace, write it into `icp.toml`, save its mapping."""
    seen = preview(context, path, options=options, mapping=mapping)
    chosen = name or _name_for(path)
    kept = mapping or seen.mapping
    source = SourceConfig(
        name=chosen,
        path=_copied(context, path, chosen),
        object=object_,
        sheet=options.sheet,
    )
    _write_config(context, source)
    confirmed = kept.confirm() if confirm else kept
    save_mapping(context, confirmed.replace(source=chosen))
    return source


def mapping_of(context: Context, source: str, /) -> ColumnMapping:
    """The saved mapping of a source; raises NotFoundError."""
    found = _saved(context, named(context, source).name)
    if found is None:
        message = f"no mapping saved for source {source!r}; run icp import first"
        raise NotFoundError(message)
    return found


def save_mapping(context: Context, mapping: ColumnMapping, /) -> None:
    """Keep a mapping: as a file to look at and review, and as a version in the store."""
    document = mapping.to_json()
    file = _mapping_file(context, mapping.source)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as temporary:
        temporary.write_text(document, encoding="utf-8")
    context.store.save_mapping(mapping.source, document, actor=context.actor)


def named(context: Context, name: str, /) -> SourceConfig:
    """The source of that name; raises NotFoundError."""
    for source in context.config.sources:
        if source.name == name:
            return source
    names = [source.name for source in context.config.sources]
    message = f"no source {name!r}; icp.toml has {counted(names, 'source')}"
    raise NotFoundError(message)


def read_as(context: Context, file: Path, source: str, /) -> IngestResult:
    """Read another file with the saved mapping of a source."""
    known = _saved(context, source)
    table = read_table(file, options=_options(named(context, source)))
    return parse(table, propose_mapping(table, known=known))
