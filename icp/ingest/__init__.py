"""From files as people export them to typed accounts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.errors import ConfigError, SchemaError, counted
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.parse import IngestResult, parse
from icp.ingest.propose_mapping import check_mapping, propose_mapping
from icp.ingest.readers import ReadOptions, list_sheets, read_table
from icp.ingest.result import LINE, Finding, RawTable, SourceReport
from icp.schema import match_to_schema

if TYPE_CHECKING:
    from icp.ingest.fields import TableObject
    from icp.schema import AccountSchema

__all__ = [
    "LINE",
    "ColumnMapping",
    "ColumnRule",
    "Finding",
    "IngestResult",
    "RawTable",
    "ReadOptions",
    "SourceReport",
    "check_mapping",
    "ingest",
    "list_sheets",
    "parse",
    "propose_mapping",
    "read_table",
]

_DEFAULT = ReadOptions()


def ingest(
    source: str | Path,
    /,
    *,
    mapping: ColumnMapping | str | Path | None = None,
    schema: AccountSchema | None = None,
    object: TableObject | None = None,
    options: ReadOptions = _DEFAULT,
) -> IngestResult:
    """Read a file or query, understand its columns and type them.

    `mapping` is an agreed mapping or the path of one; left out, one is proposed from
    names and values. Columns that an agreed mapping does not know are left out, with a
    finding. A `schema` sets roles and kinds by canonical name, and the columns and
    their order in the result; SchemaError where the source has not all of them.
    """
    table = read_table(source, options=options)
    agreed = _agreed(mapping) or propose_mapping(table, object=object)
    if schema is None:
        return parse(table, agreed)
    return _matched(parse(table, _with_schema(agreed, schema)), schema)


def _agreed(mapping: ColumnMapping | str | Path | None) -> ColumnMapping | None:
    if mapping is None or isinstance(mapping, ColumnMapping):
        return mapping
    try:
        text = Path(mapping).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the mapping {str(mapping)!r} cannot be read; check the path"
        raise ConfigError(message) from error
    return ColumnMapping.from_json(text)


def _with_schema(mapping: ColumnMapping, schema: AccountSchema) -> ColumnMapping:
    missing = set(schema.names).difference(rule.name for rule in mapping.columns)
    if missing:
        message = (
            f"{counted(missing, 'schema column')} not in {mapping.source}; "
            "map a column to each name"
        )
        raise SchemaError(message)
    for attribute in schema.attributes:
        rule = next(r for r in mapping.columns if r.name == attribute.name)
        mapping = mapping.replace(rule.source, role=attribute.role, kind=attribute.kind)
    return mapping


def _matched(result: IngestResult, schema: AccountSchema) -> IngestResult:
    accounts = result.accounts
    typed = match_to_schema(accounts.drop(LINE), schema)
    lines = accounts.select(LINE)
    together = pl.concat([typed, lines], how="horizontal")
    return replace(result, accounts=together, schema=schema)


class _CallablePackage(ModuleType):
    """Lets people write `icp.ingest(source)`, although that is also this package."""

    def __call__(self, *args: Any, **kwargs: Any) -> IngestResult:
        return ingest(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
