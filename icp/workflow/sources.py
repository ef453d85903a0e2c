"""Which exports a workspace reads, and how their columns are understood."""

from __future__ import annotations

import re
import shutil
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from zlib import crc32

from icp.config import CONFIG_FILE, SOURCE_NAME, SourceConfig, add_source, remove_source
from icp.errors import ConfigError, NotFoundError
from icp.ingest.mapping_rules import ColumnMapping
from icp.ingest.parse import parse
from icp.ingest.propose_mapping import check_mapping, propose_mapping
from icp.ingest.propose_object import propose_object
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE
from icp.store.bulk import replaced
from icp.workflow.access import Area, needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from icp.config import SourceObject
    from icp.ingest import IngestResult
    from icp.ingest.result import Finding, RawTable, SheetInfo, SourceReport


_HEAD_ROWS: Final = 20
_FOLDER: Final = "sources"
#: Sources of these objects are accounts themselves; two of a kind need a plan.
_BASES: Final = ("accounts", "prospects")
#: Sources that share more of their columns than this are the same export.
_ALIKE: Final = 0.6


@dataclass(frozen=True, kw_only=True)
class SourcePreview:
    """A file as it would be imported, before anything is stored."""

    path: Path
    #: What its rows are, as given or guessed from the headers and the file's name.
    object: SourceObject
    #: The first 20 rows as text, without the hidden line column.
    head: pl.DataFrame
    #: Rows of the whole table.
    rows: int
    report: SourceReport
    #: The proposed mapping, or the saved one with new columns proposed.
    mapping: ColumnMapping
    #: Findings of reading, mapping and parsing, worst first.
    findings: tuple[Finding, ...]

    @property
    def sheets(self) -> tuple[SheetInfo, ...]:
        """The sheets or further tables to choose from."""
        return self.report.sheets


class Sources(Area):
    """The exports in `icp.toml`: files and queries, each with its column mapping."""

    @needs("analyst")
    def preview(
        self,
        path: str | Path,
        /,
        *,
        name: str | None = None,
        object: SourceObject | None = None,
        sheet: str | None = None,
        options: ReadOptions | None = None,
        mapping: ColumnMapping | None = None,
    ) -> SourcePreview:
        """Read a file as it would be imported, without keeping anything.

        What its rows are (`object`) is guessed where it is not given.
        """
        file = Path(path)
        source = _allowed(name or source_name(file))
        table = read_table(file, options=self._options(source, sheet, options))
        rows_are = object or self._object(source, table)
        proposal = mapping or self._proposal(source, rows_are, table)
        result = parse(table, proposal)
        saved = self._saved(source)
        changes = check_mapping(table, saved) if saved else ()
        return SourcePreview(
            path=file,
            object=rows_are,
            head=table.frame.drop(LINE, strict=False).head(_HEAD_ROWS),
            rows=table.frame.height,
            report=result.report,
            mapping=proposal,
            findings=worst_first(dict.fromkeys([*changes, *result.report.findings])),
        )

    @needs("analyst")
    def add(
        self,
        path: str | Path,
        /,
        *,
        name: str | None = None,
        object: SourceObject = "accounts",
        sheet: str | None = None,
        options: ReadOptions | None = None,
        mapping: ColumnMapping | None = None,
        confirm: bool = False,
    ) -> SourceConfig:
        """Make a file a source: copied, written into `icp.toml`, its mapping saved.

        A source of that name is replaced. `confirm` says that a person has looked at
        the mapping.
        """
        file = Path(path)
        name = _allowed(name or source_name(file))
        read = self._options(name, sheet, options)
        if mapping is None:
            mapping = self.preview(file, name=name, object=object, options=read).mapping
        self._refuse_second_base(name, object, mapping)
        source = _described(self._copied(file, name), name, object, read)
        self._session.rewrite(lambda text: add_source(text, source))
        mapping = mapping.model_copy(update={"source": name})
        self.save_mapping(mapping.confirm() if confirm else mapping)
        return source

    @needs("analyst")
    def remove(self, name: str, /) -> None:
        """Take a source out of `icp.toml`, and its copy out of the workspace.

        The mapping stays, so that adding the source again asks nothing anew.
        """
        config = self._session.config
        source = config.source(name)
        for population in ("customers", "prospects"):
            plan = getattr(config.assembly, population)
            if plan and name in plan.sources:
                message = (
                    f"[assembly.{population}] of icp.toml uses source {name!r}; "
                    "take it out there first"
                )
                raise ConfigError(message)
        self._session.rewrite(lambda text: remove_source(text, name))
        shared = any(s.path == source.path for s in config.sources if s != source)
        if source.path and source.path.startswith(f"{_FOLDER}/") and not shared:
            (self._session.path / source.path).unlink(missing_ok=True)

    @needs("viewer")
    def mapping(self, name: str, /) -> ColumnMapping:
        """The saved mapping of a source; raises NotFoundError."""
        mapping = self._saved(self._session.config.source(name).name)
        if mapping is None:
            message = f"no mapping saved for source {name!r}; run icp import first"
            raise NotFoundError(message)
        return mapping

    @needs("analyst")
    def save_mapping(self, mapping: ColumnMapping, /) -> None:
        """Keep a mapping as a file to review, and as a version in the store."""
        document = mapping.to_json()
        file = self._mapping_file(_allowed(mapping.source))
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file) as temporary:
            temporary.write_text(document, encoding="utf-8")
        session = self._session
        session.store.save_mapping(mapping.source, document, actor=session.actor)

    @needs("analyst")
    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Within it, an error brings sources, mappings and `icp.toml` back."""
        data = self._session.path / ".icp"
        with TemporaryDirectory(dir=data, prefix="before-") as folder:
            copies = {
                file: Path(folder) / str(number)
                for number, file in enumerate(self._files())
            }
            for file, copy in copies.items():
                shutil.copy2(file, copy)
            try:
                yield
            except BaseException:
                for file in set(self._files()) - copies.keys():
                    file.unlink()
                for file, copy in copies.items():
                    with replaced(file) as temporary:
                        shutil.copy2(copy, temporary)
                raise
            finally:
                self._session.reload()

    @needs("analyst")
    def read(self, source: SourceConfig, /) -> IngestResult:
        """Read and parse a source exactly as was agreed; what has changed is a finding.

        Without a saved mapping the proposal is saved, so that next month's export is
        compared with it.
        """
        session = self._session
        place = session.config.location(source, session.path)
        table = read_table(place, options=source.options)
        mapping = self._saved(source.name)
        if mapping is None:
            mapping = self._proposal(source.name, source.object, table)
            self.save_mapping(mapping)
        return parse(table, mapping)

    @needs("analyst")
    def read_like(self, name: str, file: Path, /) -> IngestResult:
        """Read another file as if it were next month's export of a source."""
        source = self._session.config.source(name)
        table = read_table(file, options=replace(source.options, query=None))
        return parse(table, self._proposal(name, source.object, table))

    def _object(self, name: str, table: RawTable) -> SourceObject:
        """As declared for the name, else by headers, file name and rows."""
        sources = self._session.config.sources
        for source in sources:
            if source.name == name:
                return source.object
        populations = {source.object for source in sources} - {"prospects", "other"}
        return propose_object(table, name, has_customers=bool(populations))

    def _options(
        self, name: str, sheet: str | None, options: ReadOptions | None
    ) -> ReadOptions:
        """How next month's export is read: as last time, unless a person says how."""
        read = options or ReadOptions()
        read = replace(read, sheet=sheet or read.sheet)
        if read != ReadOptions():
            return read
        sources = self._session.config.sources
        return next((s.options for s in sources if s.name == name), read)

    def _proposal(
        self, name: str, object_: SourceObject, table: RawTable
    ) -> ColumnMapping:
        precedent = self._precedent(name, object_, table)
        mapping = propose_mapping(table, known=precedent, object=object_)
        return mapping.model_copy(update={"source": name})

    def _precedent(
        self, name: str, object_: SourceObject, table: RawTable
    ) -> ColumnMapping | None:
        """The saved mapping; for prospects otherwise that of the customers.

        A profile is learnt from customers, so a prospect's column of the same header
        must get the same name and kind.
        """
        saved = self._saved(name)
        if saved is not None or object_ != "prospects":
            return saved
        for source in self._session.config.sources:
            customers = self._saved(source.name)
            if source.object == "accounts" and customers is not None:
                return _shared(customers, table)
        return None

    def _saved(self, name: str) -> ColumnMapping | None:
        file = self._mapping_file(name)
        if not file.is_file():
            return None
        try:
            return ColumnMapping.from_json(file.read_text(encoding="utf-8"))
        except ConfigError as error:
            raise ConfigError(f"{file.name}: {error}") from error

    def _mapping_file(self, name: str) -> Path:
        session = self._session
        for source in session.config.sources:
            if source.name == name:
                return session.config.mapping_file(source, session.path)
        return session.path / "mappings" / f"{name}.json"

    def _files(self) -> list[Path]:
        """The files that say what is read, and copies of what is read."""
        path, config = self._session.path, self._session.config
        folders = (path / "mappings", path / _FOLDER)
        files = {file for folder in folders for file in folder.glob("*")}
        files |= {config.mapping_file(s, path) for s in config.sources}
        return [f for f in (path / CONFIG_FILE, *sorted(files)) if f.is_file()]

    def _refuse_second_base(
        self, name: str, object_: SourceObject, mapping: ColumnMapping
    ) -> None:
        """Refuse what looks like a newer export of a source under a new name."""
        config = self._session.config
        population = "customers" if object_ == "accounts" else "prospects"
        if object_ not in _BASES or getattr(config.assembly, population):
            return
        for source in config.sources:
            if source.object != object_ or source.name == name:
                continue
            if object_ == "prospects" or _alike(mapping, self._saved(source.name)):
                message = (
                    f"source {source.name!r} already holds the {population}; "
                    f"use --name {source.name} to replace it, or another --as"
                )
                raise ConfigError(message)

    def _copied(self, file: Path, name: str) -> str:
        """The file's path as `icp.toml` says it; files from elsewhere are copied in."""
        path = self._session.path
        place = file.absolute()
        if not place.is_relative_to(path):
            place = path / _FOLDER / f"{name}{file.suffix.lower()}"
            place.parent.mkdir(exist_ok=True)
            with replaced(place) as temporary:
                shutil.copyfile(file, temporary)
        if self._session.config.workspace.root:  # paths do not start from the workspace
            return str(place)
        return place.relative_to(path).as_posix()


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


def worst_first(findings: Iterable[Finding], /) -> tuple[Finding, ...]:
    """Findings by level (stop, ask, note), otherwise in their order."""
    rank = {"stop": 0, "ask": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: rank[finding.level]))


def _allowed(name: str) -> str:
    """The name, if a source can have it: it becomes part of file names."""
    if not re.fullmatch(SOURCE_NAME, name):
        message = (
            f"no source can be called {name!r}; use letters, digits, _ . - and "
            "blanks, with a letter, digit or _ first"
        )
        raise ConfigError(message)
    return name


def _shared(mapping: ColumnMapping, table: RawTable) -> ColumnMapping:
    """The rules for those columns that the table has too, not yet agreed to."""
    rules = [
        rule.model_copy(update={"confirmed": False, "levels": ()})
        for rule in mapping.columns
        if rule.source in table.frame.columns
    ]
    return mapping.model_copy(update={"columns": tuple(rules)})


def _alike(mapping: ColumnMapping, other: ColumnMapping | None) -> bool:
    """Whether most columns of either are in both."""
    mine, theirs = set(mapping.sources), set(other.sources if other else ())
    return len(mine & theirs) > _ALIKE * len(mine | theirs)


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
