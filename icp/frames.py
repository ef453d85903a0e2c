"""Tables of other libraries as Polars frames."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Protocol, overload

import polars as pl
import polars.selectors as cs

from icp.errors import SchemaError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator


class ArrowTable(Protocol):
    """A table that hands out its columns through the Arrow PyCapsule interface.

    Polars, pandas, PyArrow and DuckDB have such tables.
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows, as a stream of Arrow structs."""
        ...


#: What a table that Polars or pandas cannot read raises.
_UNREADABLE: Final = (
    TypeError,
    ValueError,
    NotImplementedError,
    OverflowError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # an Arrow type that Polars does not have
)
_SEVERAL: Final = "columns without a single type"


@overload
def as_polars(table: pl.LazyFrame, /) -> pl.LazyFrame: ...
@overload
def as_polars(table: ArrowTable, /) -> pl.DataFrame: ...
def as_polars(table: pl.LazyFrame | ArrowTable, /) -> pl.DataFrame | pl.LazyFrame:
    """The table as a Polars frame; a Polars frame is handed back as it is.

    In tables of other libraries NaN, NA and NaT are missing values and become null;
    the index of a pandas table is left out. Raises SchemaError for what is no table,
    for a column name that occurs twice, and for a column that has no single type.

    >>> as_polars([1, 2])
    Traceback (most recent call last):
    ...
    icp.errors.SchemaError: a list is not a table; pass a Polars or pandas DataFrame, \
a PyArrow table or a DuckDB relation
    """
    if isinstance(table, pl.DataFrame | pl.LazyFrame):
        return table
    frame = _of_pandas(table) if _is_pandas(table) else _of_arrow(table)
    return frame.with_columns(cs.float().fill_nan(None))


def _is_pandas(table: object) -> bool:
    # Whoever has such a table has imported its library.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def _of_pandas(table: Any) -> pl.DataFrame:
    names = table.columns
    if not names.is_unique:
        twice = map(str, names[names.duplicated()].unique())
        message = f"{counted(twice, 'repeated column name')}; rename the columns"
        raise SchemaError(message)
    try:
        return pl.DataFrame(table)
    except _UNREADABLE as error:
        columns = counted(_mixed(table), "column without a single type", _SEVERAL)
        message = f"{columns}; convert them, for instance with .astype('string')"
        raise SchemaError(message) from error


def _mixed(table: Any) -> Iterator[str]:
    for name in table.columns:
        try:
            pl.DataFrame(table[[name]])
        except _UNREADABLE:
            yield str(name)


def _of_arrow(table: object) -> pl.DataFrame:
    if hasattr(table, "__arrow_c_stream__"):
        try:
            rows = pl.Series(table)
            if isinstance(rows.dtype, pl.Struct):
                return rows.struct.unnest()
        except _UNREADABLE as error:
            message = (
                f"{_kind(table)} has a column name twice, or a column type that Polars "
                "does not have; rename or convert its columns"
            )
            raise SchemaError(message) from error
    message = (
        f"{_kind(table)} is not a table; pass a Polars or pandas DataFrame, "
        "a PyArrow table or a DuckDB relation"
    )
    raise SchemaError(message)


def _kind(table: object) -> str:
    """The type of an object with its library."""
    kind = type(table)
    library = kind.__module__.partition(".")[0]
    name = kind.__name__ if library == "builtins" else f"{library}.{kind.__name__}"
    return f"a {name}"
