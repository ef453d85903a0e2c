"""Cell text made comparable, and the readings that are not numbers or dates."""

from __future__ import annotations

import polars as pl

from icp.ingest.fields import words

__all__ = [
    "EMAIL",
    "PHONE",
    "WEB_ADDRESS",
    "cleaned",
    "is_missing",
    "read_domain",
    "read_flag",
    "read_items",
    "spelling_key",
]

_INVISIBLE = [
    *map(chr, (*range(9), *range(14, 32), 127, 0xAD, *range(0x200B, 0x2010))),
    # Windows puts these round what is copied from its dialogs.
    *map(chr, (0x61C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    "\u2060",
    "\ufeff",
]
_BLANKS = ["\t", *map(chr, (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))]
_SHOWN = dict.fromkeys(_INVISIBLE, "") | dict.fromkeys(_BLANKS, " ")

EMAIL = r"^[^@\s;,]+@[^@\s;,]+\.[A-Za-z]{2,}$"
PHONE = r"^(?:\+|00|\()?\d[\d\s().x/-]{6,}\d$"
WEB_ADDRESS = r"^(?:https?://|www\.)?(?:[\w-]+\.)+[A-Za-z]{2,}(?:[/?#]\S*)?$"


def cleaned(text: pl.Expr, /) -> pl.Expr:
    r"""Text without blanks at its ends and without invisible signs; null where empty.

    >>> frame = pl.DataFrame({"text": ["\u200bClosed\u00a0Won ", " "]})
    >>> frame.select(cleaned(pl.col("text"))).to_series().to_list()
    ['Closed Won', None]
    """
    bare = text.str.replace_many(_SHOWN).str.strip_chars()
    return pl.when(bare != "").then(bare)


def is_missing(text: pl.Expr, /, *, keep: tuple[str, ...] = ()) -> pl.Expr:
    """Whether cleaned text only says that nothing is known; `keep` are values here.

    >>> frame = pl.DataFrame({"text": ["Select", "N/A", "NA", "Retail"]})
    >>> frame.select(is_missing(pl.col("text"), keep=("NA",))).to_series().to_list()
    [True, True, False, False]
    """
    kept = {word.casefold() for word in keep}
    missing = [word for word in words("missing") if word not in kept]
    return text.str.to_lowercase().is_in(missing)


def read_flag(text: pl.Expr, /) -> pl.Expr:
    """A Boolean from yes and no in several languages; null where it is neither.

    >>> frame = pl.DataFrame({"text": ["Ja", "no", "1", "maybe"]})
    >>> frame.select(read_flag(pl.col("text"))).to_series().to_list()
    [True, False, True, None]
    """
    lower = text.str.to_lowercase()
    yes = pl.when(lower.is_in(list(words("true")))).then(statement=True)
    return yes.when(lower.is_in(list(words("false")))).then(statement=False)


def read_items(text: pl.Expr, /, *, separator: str) -> pl.Expr:
    """A List[String] of the parts: cleaned, without placeholders, each once.

    The parts keep the order in which they stand; a cell of placeholders alone is null.

    >>> frame = pl.DataFrame({"text": ["AWS; Azure ;AWS", "n/a"]})
    >>> frame.select(read_items(pl.col("text"), separator=";")).to_series().to_list()
    [['AWS', 'Azure'], None]
    """
    part = cleaned(pl.element())
    kept = pl.when(~is_missing(part)).then(part)
    items = text.str.split(separator).list.eval(kept.drop_nulls())
    distinct = items.list.unique(maintain_order=True)
    return pl.when(distinct.list.len() > 0).then(distinct)


def read_domain(text: pl.Expr, /) -> pl.Expr:
    """A web domain in lower case, without scheme, `www.`, port and path.

    Text that is no web address is null.

    >>> frame = pl.DataFrame({"text": ["https://www.Acme.com/de?x=1", "acme"]})
    >>> frame.select(read_domain(pl.col("text"))).to_series().to_list()
    ['acme.com', None]
    """
    bare = text.str.to_lowercase().str.replace(r"^[a-z]+://", "")
    host = bare.str.replace(r"^[^/@]*@", "").str.extract(r"^(?:www\.)?([^/?#:\s]+)", 1)
    domain = host.str.strip_suffix(".")
    return pl.when(domain.str.contains(r"^(?:[\w-]+\.)+[a-z]{2,}$")).then(domain)


def spelling_key(text: pl.Expr, /) -> pl.Expr:
    """What two spellings share that differ only in case and blanks."""
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
