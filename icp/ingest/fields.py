"""The dictionary of column names: what a header usually means, in several languages.

`fields.json` holds facts only: canonical names, the headers they go by in exports of
the common CRMs and in sheets kept by hand, and the words for yes, no and missing.
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
from icp.words import HIDDEN, LINE_BREAKS

#: What a row of a table is, in the words of `icp.toml`.
TableObject = Literal["accounts", "deals", "invoices", "tickets", "prospects", "other"]

#: Line breaks stay: they part words.
_HIDDEN = dict.fromkeys(HIDDEN - LINE_BREAKS, "")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[\W_]+")
_BRACKETED = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")
_CUSTOM_ENDING = re.compile(r"__[a-z]{1,2}$", re.IGNORECASE)
_PREFIX = re.compile(r"^(.+?)(?: - |: |\.)(.+)$")
_FUZZY = 92.0
_TOKEN = 80.0


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
    #: Over the normalised header; for what words alone cannot say.
    pattern: str | None = None
    reason: str


class _Book(Frozen):
    format: Literal[1]
    files: dict[TableObject, tuple[str, ...]]
    prefixes: dict[TableObject | Literal["people"], tuple[str, ...]]
    tokens: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]
    hints: tuple[Hint, ...]
    fields: tuple[Field, ...]


#: Whose words are also understood in a table, and how much less sure.
_ALSO: dict[str, tuple[tuple[str, float], ...]] = {
    "prospects": (("accounts", 0.1),),
    "other": (("accounts", 0.1),),
}


class Match(NamedTuple):
    """A field that a header may mean, how sure (0-1), and why in words."""

    field: Field
    score: float
    reason: str


@cache
def _book() -> _Book:
    text = Path(__file__).with_name("fields.json").read_text(encoding="utf-8")
    return _Book.model_validate_json(text)


@cache
def _index() -> dict[str, tuple[Field, ...]]:
    found: defaultdict[str, list[Field]] = defaultdict(list)
    for field in _book().fields:
        for key in {squeezed(field.name), *map(squeezed, field.names)}:
            found[key].append(field)
    return {key: tuple(fields) for key, fields in found.items()}


@cache
def _choices() -> dict[str, str]:
    return {normalised(name): name for f in _book().fields for name in f.names}


@cache
def words(name: Literal["missing", "true", "false"], /) -> tuple[str, ...]:
    """The words of one meaning, case-folded."""
    return tuple(word.casefold() for word in _book().words[name])


def normalised(header: str, /) -> str:
    r"""A header as words: one case, no accents, no punctuation, camel case split.

    >>> normalised("\ufeffAnnual_Revenue (€) ")
    'annual revenue'
    >>> normalised("NumberOfEmployees"), normalised("Société")
    ('number of employees', 'societe')
    """
    shown = unicodedata.normalize("NFKC", header.translate(_HIDDEN))
    split = _CAMEL.sub(" ", _CUSTOM_ENDING.sub("", shown.strip()))
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


def match_header(header: str, table: TableObject, /) -> Match | None:
    """What a header means by the dictionary, in a table of the given object.

    Tried in order: the whole header, the header without its unit in brackets, the
    header without an object's name in front ("Organization - Name"), and an account's
    word with a word for id or name ("ResellerKey").
    """
    label = f"the header {header.strip()!r}"
    bare = _BRACKETED.sub("", header)
    for spelling, score in ((header, 0.95), (bare, 0.9)):
        found = _resolved(squeezed(spelling), table, label, score)
        if found:
            return found
    return _match_with_prefix(bare, table) or _match_by_tokens(bare, table)


def _resolved(key: str, table: str, label: str, score: float) -> Match | None:
    candidates = _index().get(key, ())
    for wanted, less in ((table, 0.0), ("any", 0.0), *_ALSO.get(table, ())):
        for field in candidates:
            if field.object == wanted:
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
    for named in objects:
        found = _resolved(squeezed(parts[2]), named, label, 0.9)
        if found:
            return found
    return None


def _match_with_first_word(header: str, table: TableObject) -> Match | None:
    first, _, rest = normalised(header).partition(" ")
    label = f"the header {header.strip()!r}"
    for named, prefixes in _book().prefixes.items():
        if first in prefixes and rest:
            found = _resolved(rest.replace(" ", ""), named, label, 0.8)
            if found and (named == table or found.field.object == "any"):
                return found
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
    mine = normalised(header)
    if len(mine) < 5:
        return None
    best = process.extractOne(
        mine, _choices().keys(), scorer=fuzz.ratio, score_cutoff=_FUZZY
    )
    if best is None or not _words_agree(mine, best[0]):
        return None
    known = _choices()[best[0]]
    found = _resolved(squeezed(known), table, f"{header.strip()!r}", 0.0)
    reason = f"the header {header.strip()!r} is spelt nearly like {known!r}"
    return Match(found.field, round(best[1] / 100 * 0.75, 2), reason) if found else None


def _words_agree(left: str, right: str) -> bool:
    mine, theirs = left.split(), right.split()
    return len(mine) == len(theirs) and all(
        fuzz.ratio(a, b) >= _TOKEN for a, b in zip(mine, theirs, strict=True)
    )


def hint(header: str, /) -> Hint | None:
    """The first hint with a word that stands in the header, or whose pattern fits."""
    name = normalised(header)
    for found in _book().hints:
        told = any(f" {normalised(word)} " in f" {name} " for word in found.words)
        if told or (found.pattern and re.search(found.pattern, name)):
            return found
    return None


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
    votes: dict[TableObject, float] = dict.fromkeys(_book().files, 0.0)
    for header in headers:
        for named in _votes(header):
            votes[named] += 1
    told = {normalised(word) for word in re.split(r"[\W_]+", source)}
    for named, hints in _book().files.items():
        votes[named] += 1.5 * bool(told.intersection(hints))
    votes["accounts"] += 1.5
    return max(votes, key=lambda named: votes[named])


_OWN_FIELDS: dict[str, TableObject] = {
    "deal_id": "deals",
    "deal_name": "deals",
    "deal_stage": "deals",
    "deal_status": "deals",
    "deal_type": "deals",
    "budget": "deals",
    "rfp": "deals",
    "rfi": "deals",
    "scope": "deals",
    "is_won": "deals",
    "amount": "deals",
    "close_date": "deals",
    "loss_reason": "deals",
    "invoice_id": "invoices",
    "invoice_date": "invoices",
    "invoice_status": "invoices",
    "invoice_amount": "invoices",
    "ticket_id": "tickets",
    "ticket_status": "tickets",
    "ticket_priority": "tickets",
    "ticket_origin": "tickets",
    "lead_id": "prospects",
    "lead_status": "prospects",
    "is_converted": "prospects",
    "lead_quality": "prospects",
}


def _votes(header: str) -> set[TableObject]:
    found = match_header(header, "accounts")
    named = {_OWN_FIELDS.get(found.field.name)} if found else set()
    return {vote for vote in named if vote}
