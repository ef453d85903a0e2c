"""The dictionary of column names: what a header usually means, in several languages.

`fields.json` holds facts only: canonical names, the headers they go by in exports, the
words for yes, no and missing, and words that give away when a column is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from rapidfuzz import fuzz, process

from icp.documents import Frozen
from icp.schema import Kind, Role

#: What a row of a table is, in the words of `icp.toml`.
TableObject = Literal["accounts", "deals", "invoices", "tickets", "prospects", "other"]
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[\W_]+")
_BRACKETED = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")
_CUSTOM_ENDING = re.compile(r"__[a-z]{1,2}$", re.IGNORECASE)
_PREFIX = re.compile(r"^(.+?)(?: - |: |\.)(.+)$")
_FUZZY = 92.0
_TOKEN = 80.0
#: Whose words are also understood in a table, and how much less sure.
_ALSO: dict[str, tuple[tuple[str, float], ...]] = {
    "prospects": (("accounts", 0.1),),
    "other": (("accounts", 0.1),),
}


class Field(Frozen):
    """One canonical field: a row of `fields.json`."""

    name: str
    object: TableObject | Literal["any", "people"]
    role: Role
    kind: Kind
    unit: str = ""
    note: str = ""
    names: tuple[str, ...]


class Hint(Frozen):
    """Words in a header that give its role away, where the field itself is unknown."""

    role: Role
    words: tuple[str, ...] = ()
    #: Words that leave no doubt: a column of such a name is not learnt from.
    surely: tuple[str, ...] = ()
    #: As sure, if nothing else stands beside them.
    whole: tuple[str, ...] = ()
    #: Over the normalised header; for what words alone cannot say.
    pattern: str | None = None
    reason: str

    def is_sure(self, name: str, /) -> bool:
        """Whether a normalised header leaves no doubt."""
        return name in self.whole or _has_word(name, self.surely)

    def fits(self, name: str, /) -> bool:
        """Whether a normalised header gives this role away."""
        pattern = self.pattern and re.search(self.pattern, name)
        return self.is_sure(name) or _has_word(name, self.words) or bool(pattern)


class Match(NamedTuple):
    """A field that a header may mean, how sure (0-1), and why in words."""

    field: Field
    score: float
    reason: str


def match_header(header: str, table: TableObject, /) -> Match | None:
    """What a header means by the dictionary, in a table of the given object.

    Tried in order: the whole header, the header without its unit in brackets, the
    header without an object's name in front ("Organization - Name"), and an account's
    word with a word for id or name ("ResellerKey").
    """
    label = f"the header {header.strip()!r}"
    bare = _BRACKETED.sub("", header)
    for spelling, score in ((header, 0.95), (bare, 0.9)):
        match = _lookup(squeezed(spelling), table, label, score)
        if match:
            return match
    return _match_with_prefix(bare, table) or _match_by_tokens(bare, table)


def _lookup(key: str, table: str, label: str, score: float) -> Match | None:
    candidates = _index().get(key, ())
    for home, less in ((table, 0.0), ("any", 0.0), *_ALSO.get(table, ())):
        for field in candidates:
            if field.object == home:
                context = f" in a table of {table}" if field.object == table else ""
                reason = f"{label} means {field.name}{context}"
                return Match(field, max(0.0, score - less), reason)
    return None


def _match_with_prefix(header: str, table: TableObject) -> Match | None:
    parts = _PREFIX.match(header)
    if not parts:
        return _match_with_first_word(header, table)
    objects = [o for o, p in _book().prefixes.items() if normalised(parts[1]) in p]
    label = f"the header {header.strip()!r}"
    for prefix_object in objects:
        match = _lookup(squeezed(parts[2]), prefix_object, label, 0.9)
        if match:
            return match
    return None


def _match_with_first_word(header: str, table: TableObject) -> Match | None:
    first, _, rest = normalised(header).partition(" ")
    label = f"the header {header.strip()!r}"
    for prefix_object, prefixes in _book().prefixes.items():
        if first in prefixes and rest:
            match = _lookup(rest.replace(" ", ""), prefix_object, label, 0.8)
            if match and (prefix_object == table or match.field.object == "any"):
                return match
    return None


def _match_by_tokens(header: str, table: TableObject) -> Match | None:
    tokens = _book().tokens
    *front, last = normalised(header).split() or [""]
    if len(front) != 1 or front[0] not in {*tokens["account"]}:
        return None
    for part, name in (("id", "account_id"), ("name", "account_name")):
        if last in tokens[part]:
            field = _index()[squeezed(name)][0]
            reason = f"the header {header.strip()!r} names an account's {part}"
            return Match(field, 0.85, reason)
    return None


def near_header(header: str, table: TableObject, /) -> Match | None:
    """The dictionary's nearest name, if every word of one has a like in the other.

    "Company Size" is never taken for "Company Name": size and name are unlike.
    """
    words = normalised(header)
    if len(words) < 5:
        return None
    best = process.extractOne(
        words, _choices().keys(), scorer=fuzz.ratio, score_cutoff=_FUZZY
    )
    if best is None or not _words_agree(words, best[0]):
        return None
    name = _choices()[best[0]]
    match = _lookup(squeezed(name), table, f"{header.strip()!r}", 0.0)
    reason = f"the header {header.strip()!r} is spelt nearly like {name!r}"
    return Match(match.field, round(best[1] / 100 * 0.75, 2), reason) if match else None


def _words_agree(left: str, right: str) -> bool:
    mine, theirs = left.split(), right.split()
    return len(mine) == len(theirs) and all(
        fuzz.ratio(a, b) >= _TOKEN for a, b in zip(mine, theirs, strict=True)
    )


def hint(header: str, /) -> Hint | None:
    """The first hint that fits a header."""
    name = normalised(header)
    return next((item for item in _book().hints if item.fits(name)), None)


@cache
def written_after_sale(header: str, /) -> bool:
    """Whether a column's name leaves no doubt that it is known only after the sale.

    >>> [written_after_sale(n) for n in ("Churn Score", "lost_reason", "Employees")]
    [True, True, False]
    """
    name = normalised(header)
    return any(item.is_sure(name) for item in _book().hints)


def looks_like_id(header: str, /) -> bool:
    """Whether the last word of a header is a word for id, key or number."""
    return normalised(header).split(" ")[-1] in _book().tokens["id"]


def guess_object(headers: tuple[str, ...], source: str, /) -> TableObject:
    """What a table's rows are, from its headers and its name; accounts if unclear.

    >>> guess_object(("Deal Name", "Stage", "Amount", "Close Date"), "x.csv")
    'deals'
    >>> guess_object(("Company", "Industry", "Employees"), "x.csv")
    'accounts'
    """
    book = _book()
    votes: dict[TableObject, float] = dict.fromkeys(book.files, 0.0)
    for header in headers:
        match = match_header(header, "accounts")
        for table, names in book.own.items():
            votes[table] += bool(match and match.field.name in names)
    source_words = {normalised(word) for word in re.split(r"[\W_]+", source)}
    for table, hints in book.files.items():
        votes[table] += 1.5 * bool(source_words.intersection(hints))
    votes["accounts"] += 1.5
    return max(votes, key=lambda table: votes[table])


@cache
def words(name: Literal["missing", "true", "false", "label"], /) -> tuple[str, ...]:
    """The words of one meaning, or those that often name a column, case-folded."""
    return tuple(word.casefold() for word in _book().words[name])


def normalised(header: str, /) -> str:
    r"""A header as words: one case, no accents, no punctuation, camel case split.

    >>> normalised("\ufeffAnnual_Revenue (€) ")
    'annual revenue'
    >>> normalised("NumberOfEmployees"), normalised("Société")
    ('number of employees', 'societe')
    """
    visible = unicodedata.normalize("NFKC", _INVISIBLE.sub("", header))
    split = _CAMEL.sub(" ", _CUSTOM_ENDING.sub("", visible.strip()))
    bare = unicodedata.normalize("NFKD", split.casefold())
    letters = "".join(c for c in bare if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", letters).strip()


def squeezed(header: str, /) -> str:
    """The normalised header without blanks: `CUSTOMERNAME` equals `Customer Name`."""
    return normalised(header).replace(" ", "")


def snake_case(header: str, /) -> str:
    """A column name that needs no quoting, made from a header.

    >>> snake_case("Umsatz (Mio. €)"), snake_case("2019 Größe"), snake_case("?")
    ('umsatz_mio', 'column_2019_grosse', 'column')
    """
    name = normalised(header).replace(" ", "_")
    return name if name and not name[0].isdigit() else f"column_{name}".rstrip("_")


def _has_word(name: str, words: tuple[str, ...]) -> bool:
    return any(f" {normalised(word)} " in f" {name} " for word in words)


class _Book(Frozen):
    format: Literal[1]
    files: dict[TableObject, tuple[str, ...]]
    prefixes: dict[TableObject | Literal["people"], tuple[str, ...]]
    tokens: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]
    #: Fields that only tables of one object have.
    own: dict[TableObject, tuple[str, ...]]
    hints: tuple[Hint, ...]
    fields: tuple[Field, ...]


@cache
def _book() -> _Book:
    text = Path(__file__).with_name("fields.json").read_text(encoding="utf-8")
    return _Book.model_validate_json(text)


@cache
def _index() -> dict[str, tuple[Field, ...]]:
    fields_by_key: defaultdict[str, list[Field]] = defaultdict(list)
    for field in _book().fields:
        for key in {squeezed(field.name), *map(squeezed, field.names)}:
            fields_by_key[key].append(field)
    return {key: tuple(fields) for key, fields in fields_by_key.items()}


@cache
def _choices() -> dict[str, str]:
    return {normalised(name): name for f in _book().fields for name in f.names}
