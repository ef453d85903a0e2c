"""Which exports a workspace reads, and how their columns are understood."""

from __future__ import annotations

import re
import shutil
import unicodedata
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from zlib import crc32

from icp.config import CONFIG_FILE, SOURCE_NAME, SourceConfig, add_source, remove_source
from icp.errors import ConfigError, NotFoundError
from icp.ingest.mapping_rules import ColumnMapping
from icp.ingest.parse import parse
from icp.ingest.propose_mapping import check_mapping, propose_mapping
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE
from icp.store.bulk import replaced
from icp.workflow.context import rewrite
from icp.workflow.guess import guessed_object
from icp.workflow.results import SourcePreview, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.config import SourceObject
    from icp.ingest import IngestResult
    from icp.ingest.result import RawTable
    from icp.workflow.context import Context


_HEAD_ROWS: Final = 20
_FOLDER: Final = "sources"
#: Sources of these objects are accounts themselves; two of a kind need a plan.
_BASES: Final = ("accounts", "prospects")
#: Sources that share more of their columns than this are the same export.
_ALIKE: Final = 0.6


def preview(
    context: Context,
    file: Path,
    /,
    *,
    name: str | None,
    object_: SourceObject | None,
    options: ReadOptions,
    mapping: ColumnMapping | None = None,
) -> SourcePreview:
    """Read a file as it would be imported, without keeping anything."""
    chosen = _allowed(name or source_name(file))
    table = read_table(file, options=_remembered(context, chosen, options))
    told = object_ or guessed_object(context.config, chosen, table)
    proposed = mapping or _proposed(context, chosen, told, table)
    result = parse(table, proposed)
    saved = _saved(context, chosen)
    changes = check_mapping(table, saved) if saved else ()
    findings = dict.fromkeys([*changes, *result.report.findings])
    return SourcePreview(
        path=file,
        object=told,
        head=table.frame.drop(LINE, strict=False).head(_HEAD_ROWS),
        rows=table.frame.height,
        report=result.report,
        mapping=proposed,
        findings=worst_first(list(findings)),
    )


def add(
    context: Context,
    file: Path,
    /,
    *,
    name: str | None,
    object_: SourceObject,
    options: ReadOptions,
    mapping: ColumnMapping | None,
    confirm: bool,
) -> SourceConfig:
    """Copy a file into the workspace, write it into `icp.toml`, save its mapping."""
    chosen = _allowed(name or source_name(file))
    kept = mapping
    if kept is None:
        seen = preview(context, file, name=chosen, object_=object_, options=options)
        kept = seen.mapping
    _refuse_second_base(context, chosen, object_, kept)
    how = _remembered(context, chosen, options)
    source = _described(_copied(context, file, chosen), chosen, object_, how)
    rewrite(context, lambda text: add_source(text, source))
    named = kept.model_copy(update={"source": chosen})
    save_mapping(context, named.confirm() if confirm else named)
    return source


def remove(context: Context, name: str, /) -> None:
    """Take a source out of `icp.toml`, and its copy out of the workspace.

    The mapping stays, so that adding the source again asks nothing anew.
    """
    source = context.config.source(name)
    for population in ("customers", "prospects"):
        plan = getattr(context.config.assembly, population)
        if plan and name in plan.sources:
            message = (
                f"[assembly.{population}] of icp.toml uses source {name!r}; "
                "take it out there first"
            )
            raise ConfigError(message)
    rewrite(context, lambda text: remove_source(text, name))
    shared = any(s.path == source.path for s in context.config.sources if s != source)
    if source.path and source.path.startswith(f"{_FOLDER}/") and not shared:
        (context.path / source.path).unlink(missing_ok=True)


@contextmanager
def all_or_nothing(context: Context, /) -> Iterator[None]:
    """Bring sources, mappings and `icp.toml` back as they were if something fails."""
    with TemporaryDirectory(dir=context.path / ".icp", prefix="before-") as kept:
        before = {
            file: Path(kept) / str(number)
            for number, file in enumerate(_declaring(context))
        }
        for file, copy in before.items():
            shutil.copy2(file, copy)
        try:
            yield
        except BaseException:
            for file in set(_declaring(context)) - before.keys():
                file.unlink()
            for file, copy in before.items():
                with replaced(file) as temporary:
                    shutil.copy2(copy, temporary)
            raise


def _declaring(context: Context) -> list[Path]:
    """The files that say what is read, and copies of what is read."""
    folders = (context.path / "mappings", context.path / _FOLDER)
    inside = {file for folder in folders for file in folder.glob("*")}
    config = context.config
    inside |= {config.mapping_file(s, context.path) for s in config.sources}
    files = (context.path / CONFIG_FILE, *sorted(inside))
    return [file for file in files if file.is_file()]


def ingested(context: Context, source: SourceConfig, /) -> IngestResult:
    """Read and parse a source exactly as was agreed; what has changed is a finding.

    Without a saved mapping the proposal is saved, so that next month's export is
    compared with it.
    """
    place = context.config.location(source, context.path)
    table = read_table(place, options=source.options)
    mapping = _saved(context, source.name)
    if mapping is None:
        mapping = _proposed(context, source.name, source.object, table)
        save_mapping(context, mapping)
    return parse(table, mapping)


def read_as(context: Context, file: Path, name: str, /) -> IngestResult:
    """Read another file as if it were next month's export of a source."""
    source = context.config.source(name)
    table = read_table(file, options=replace(source.options, query=None))
    return parse(table, _proposed(context, name, source.object, table))


def mapping_of(context: Context, name: str, /) -> ColumnMapping:
    """The saved mapping of a source; raises NotFoundError."""
    found = _saved(context, context.config.source(name).name)
    if found is None:
        message = f"no mapping saved for source {name!r}; run icp import first"
        raise NotFoundError(message)
    return found


def save_mapping(context: Context, mapping: ColumnMapping, /) -> None:
    """Keep a mapping as a file to review, and as a version in the store."""
    document = mapping.to_json()
    file = _mapping_file(context, _allowed(mapping.source))
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as temporary:
        temporary.write_text(document, encoding="utf-8")
    context.store.save_mapping(mapping.source, document, actor=context.actor)


def source_name(file: Path, /) -> str:
    """What a file's source is called, unless a person says otherwise.

    What cannot be written in Latin letters is told apart by a sum of the whole name.

    >>> from pathlib import Path
    >>> source_name(Path("Kunden (Mai).xlsx"))
    'Kunden_Mai'
    >>> source_name(Path("客户 2026.csv")), source_name(Path("订单 2026.csv"))
    ('2026_24edbee9', '2026_79aa7f97')
    """
    stem = unicodedata.normalize("NFC", file.stem)
    latin = re.sub(r"[^A-Za-z0-9_.-]+", "_", stem).strip("_.-") or "source"
    letters = (unicodedata.name(sign, "") for sign in stem if sign.isalpha())
    if all(letter.startswith("LATIN") for letter in letters):
        return latin
    return f"{latin}_{crc32(stem.encode()):08x}"


def _allowed(name: str) -> str:
    """The name, if a source can have it: it becomes part of file names."""
    if not re.fullmatch(SOURCE_NAME, name):
        message = (
            f"no source can be called {name!r}; use letters, digits, _ . - and "
            "blanks, with a letter, digit or _ first"
        )
        raise ConfigError(message)
    return name


def _proposed(
    context: Context, name: str, object_: SourceObject, table: RawTable
) -> ColumnMapping:
    known = _known(context, name, object_, table)
    mapping = propose_mapping(table, known=known, object=object_)
    return mapping.model_copy(update={"source": name})


def _known(
    context: Context, name: str, object_: SourceObject, table: RawTable
) -> ColumnMapping | None:
    """The saved mapping; for prospects otherwise what their customers' columns mean.

    A profile is learnt from customers, so a prospect's column of the same header must
    get the same name and kind.
    """
    saved = _saved(context, name)
    if saved is not None or object_ != "prospects":
        return saved
    for source in context.config.sources:
        customers = _saved(context, source.name)
        if source.object == "accounts" and customers is not None:
            return _shared(customers, table)
    return None


def _shared(mapping: ColumnMapping, table: RawTable) -> ColumnMapping:
    """The rules for those columns that the table has too, not yet agreed to."""
    rules = [
        rule.model_copy(update={"confirmed": False, "levels": ()})
        for rule in mapping.columns
        if rule.source in table.frame.columns
    ]
    return mapping.model_copy(update={"columns": tuple(rules)})


def _saved(context: Context, name: str) -> ColumnMapping | None:
    file = _mapping_file(context, name)
    if not file.is_file():
        return None
    try:
        return ColumnMapping.from_json(file.read_text(encoding="utf-8"))
    except ConfigError as error:
        raise ConfigError(f"{file.name}: {error}") from error


def _mapping_file(context: Context, name: str) -> Path:
    for source in context.config.sources:
        if source.name == name:
            return context.config.mapping_file(source, context.path)
    return context.path / "mappings" / f"{name}.json"


def _refuse_second_base(
    context: Context, name: str, object_: SourceObject, mapping: ColumnMapping
) -> None:
    """Refuse what looks like another month's export of a source under a new name."""
    population = "customers" if object_ == "accounts" else "prospects"
    if object_ not in _BASES or getattr(context.config.assembly, population):
        return
    for source in context.config.sources:
        if source.object != object_ or source.name == name:
            continue
        if object_ == "prospects" or _alike(mapping, _saved(context, source.name)):
            message = (
                f"source {source.name!r} already holds the {population}; "
                f"use --name {source.name} to replace it, or another --as"
            )
            raise ConfigError(message)


def _alike(mapping: ColumnMapping, other: ColumnMapping | None) -> bool:
    """Whether most columns of either are in both."""
    mine, theirs = set(mapping.sources), set(other.sources if other else ())
    return len(mine & theirs) > _ALIKE * len(mine | theirs)


def _copied(context: Context, file: Path, name: str) -> str:
    """The file's path as `icp.toml` says it; files from elsewhere are copied in."""
    whole = file.absolute()
    if not whole.is_relative_to(context.path):
        whole = context.path / _FOLDER / f"{name}{file.suffix.lower()}"
        whole.parent.mkdir(exist_ok=True)
        with replaced(whole) as temporary:
            shutil.copyfile(file, temporary)
    if context.config.workspace.root:  # paths do not start from the workspace then
        return str(whole)
    return whole.relative_to(context.path).as_posix()


def _remembered(context: Context, name: str, options: ReadOptions) -> ReadOptions:
    """How next month's export is read: as last time, unless a person says how."""
    there = (s.options for s in context.config.sources if s.name == name)
    return options if options != ReadOptions() else next(there, options)


def _described(
    path: str, name: str, object_: SourceObject, options: ReadOptions
) -> SourceConfig:
    return SourceConfig(
        name=name,
        path=path,
        object=object_,
        sheet=options.sheet,
        encoding=options.encoding,
        delimiter=options.delimiter,
        header_line=options.header_line,
        no_header=options.no_header,
        repair=options.repair,
        strict=options.strict,
    )
