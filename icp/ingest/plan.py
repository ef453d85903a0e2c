"""How several exports become one row per account, as written in `icp.toml`.

```
AssemblyPlan
 ├─ base              the source whose rows are the accounts
 ├─ lookups: Join ... columns fetched into another source before it is used
 ├─ joins: Join ...   columns fetched, or many rows summed up, per account
 │   ├─ on: Key ...   tried in order: id, domain, name
 │   └─ aggregates: Aggregate ...
 └─ derived: Derived ...  columns computed from those that exist by then
```
"""

from __future__ import annotations

from typing import Final, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from icp.documents import Frozen
from icp.schema import Kind, Role

KeyKind = Literal["id", "domain", "name"]
Take = Literal[
    "sum", "mean", "min", "max", "count", "first", "last", "any", "n_unique", "share",
    "values",
]  # fmt: skip


class Key(Frozen):
    """A pair of columns that hold the same thing on both sides of a join."""

    by: KeyKind = "id"
    #: Column on the account's side; empty means the usual one.
    left: str = ""
    #: Column on the joined source's side; empty means the usual one.
    right: str = ""


class Aggregate(Frozen):
    """One column per account made of many rows of a source.

    Without any row: `sum`, `count`, `n_unique` are 0 and `any` is no; all others are
    null. Where rows exist but no value is known, `sum` is null too.
    """

    name: str = Field(min_length=1)
    take: Take
    #: SQL expression over the source's columns; `count` may leave it out.
    of: str = ""
    #: SQL condition; only these rows count.
    where: str = ""
    #: Date or number column that puts the rows in order, for `first` and `last`.
    order: str = ""
    role: Role = Role.AFTER_SALE
    kind: Kind | None = None
    label: str = ""
    unit: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.of and self.take != "count":
            raise ValueError(f"'{self.take}' needs 'of', a column or an expression")
        return self


class Join(Frozen):
    """Columns of another source, fetched one to one or summed up per account."""

    source: str
    #: Lookups only: the source that gets the columns.
    into: str = ""
    on: tuple[Key, ...] = (Key(),)
    #: SQL condition; only these rows of the source are used.
    where: str = ""
    #: Columns to fetch; null means all that the target lacks.
    columns: tuple[str, ...] | None = None
    aggregates: tuple[Aggregate, ...] = ()
    #: Fetching only: which known value to keep where a key repeats; null refuses.
    keep: Literal["first", "last"] | None = None
    #: Role of all fetched columns; null keeps those of the source's mapping.
    role: Role | None = None

    @field_validator("on", mode="before")
    @classmethod
    def _short_keys(cls, value: object) -> object:
        if isinstance(value, str):
            return ({"by": value},)
        if not isinstance(value, list | tuple):
            return value
        return tuple({"by": key} if isinstance(key, str) else key for key in value)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not self.on:
            raise ValueError("a join needs at least one key in 'on'")
        if self.aggregates and (self.columns is not None or self.keep):
            raise ValueError("give 'aggregates', or 'columns' and 'keep', not both")
        return self


class Derived(Frozen):
    """A column computed from the others by an SQL expression."""

    name: str = Field(min_length=1)
    expression: str
    #: Null means the latest-known role among the columns it is made of.
    role: Role | None = None
    #: Null means what the expression gives.
    kind: Kind | None = None
    label: str = ""
    unit: str = ""


class AssemblyPlan(Frozen):
    """Which sources make an account, and how.

    >>> plan = AssemblyPlan(base="crm", joins=[{"source": "erp", "on": "id"}])
    >>> plan.sources
    ('crm', 'erp')
    >>> plan.joins[0].on[0].by
    'id'
    """

    base: str
    #: Column that identifies an account, or "line" for the line number; empty means
    #: `account_id`, or the only identifier column.
    key: str = ""
    #: Column with the account's name; empty means `account_name`.
    name: str = ""
    #: SQL condition; only these rows of the base are accounts.
    where: str = ""
    #: Which known value to keep, column by column, where an account repeats.
    keep: Literal["first", "last"] = "last"
    #: Date or number column that says which row is last; empty means the file's order.
    order: str = ""
    #: "events" where many rows per account are normal (order lines, for instance).
    rows: Literal["accounts", "events"] = "accounts"
    #: Columns of the base to keep; null means all.
    columns: tuple[str, ...] | None = None
    lookups: tuple[Join, ...] = ()
    joins: tuple[Join, ...] = ()
    derived: tuple[Derived, ...] = ()
    #: Roles that differ from the mapping's, by column of the result.
    roles: dict[str, Role] = {}

    @model_validator(mode="after")
    def _lookups_fetch(self) -> Self:
        for lookup in self.lookups:
            if lookup.aggregates or not lookup.into:
                raise ValueError("a lookup needs 'into' and fetches 'columns' only")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source the plan reads, the base first, each once."""
        joins = (*self.lookups, *self.joins)
        names = (self.base, *(s for j in joins for s in (j.into, j.source) if s))
        return tuple(dict.fromkeys(names))


#: Legal forms that end a company's name, as they look without dots and accents.
_LEGAL_FORMS: Final = (
    "a e", "ab", "ae", "ag", "aps", "as", "asa", "bhd", "bt", "bv", "bvba",
    "cic", "co", "company", "corp", "corporation", "cv", "d d", "d o o", "dd", "doo",
    "dooel", "ead", "eg", "eirl", "eood", "ev", "fze", "fzco", "fz llc", "gbr",
    "ges m b h", "gesmbh", "gie", "gmbh", "gmbh co kg", "ltd sti", "hf", "ehf", "inc",
    "incorporated", "k k", "kft", "kg", "kgaa", "kk", "ky", "lda", "limitada",
    "limited", "llc", "llp", "lp", "ltd", "ltda", "mbh", "nv", "nyrt", "oao",
    "ohg", "ood", "ooo", "oy", "oyj", "partg", "partgmbb", "pbc", "pc", "plc", "pllc",
    "pte", "pty", "pvt", "private", "proprietary", "public limited company", "rt",
    "s a", "s a s", "s l", "s p a", "s r l", "s r o", "sa", "sa de cv", "saoc", "sarl",
    "sas", "sasu", "sca", "scs", "sdn", "se", "sgps", "sia", "sicav", "sl", "slu",
    "sl u", "snc", "spa", "sp k", "sp j", "sp z oo", "sp z o o", "spolka z oo", "sprl",
    "srl", "sro", "tbk", "uab", "ug", "ug haftungsbeschrankt", "ulc", "unlimited",
    "vof", "zao", "zrt",
)  # fmt: skip
#: Providers whose addresses say nothing about the company that uses them.
_FREE_MAIL: Final = (
    "aol.com", "comcast.net", "fastmail.com", "free.fr", "gmail.com", "gmx.at",
    "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com",
    "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.it",
    "icloud.com", "laposte.net", "libero.it", "live.com", "mac.com", "mail.com",
    "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com", "outlook.de",
    "pm.me", "proton.me", "protonmail.com", "qq.com", "t-online.de", "tutanota.com",
    "verizon.net", "web.de", "yahoo.co.in", "yahoo.co.uk", "yahoo.com", "yahoo.de",
    "yahoo.fr", "yandex.ru", "ymail.com", "zoho.com", "163.com", "126.com",
)  # fmt: skip
_ENDING = "|".join(sorted(_LEGAL_FORMS, key=lambda form: (-len(form), form)))
_LETTERS: Final = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"}


def match_rows(seeking: pl.DataFrame, targets: pl.DataFrame, /) -> pl.DataFrame:
    """Find for each row of `seeking` the one row of `targets` with an equal key.

    Keys go from sure to unsure: the identifier, the web domain, the company's name. One
    that points to several accounts is ambiguous and matches none; nothing is guessed.

    Both frames hold the same key columns (String), tried in that order: the first key
    that points to exactly one target wins. The result has `seeking`'s rows in order:
    `target` (row number, null where none), `by` (the winning key's column, null where
    none) and `problem` (null, "no key", "no match" or "ambiguous").
    """
    keys = seeking.columns
    matches = pl.concat(
        [_matches(seeking[key], targets[key]) for key in keys], how="horizontal"
    )
    hits = [pl.col(f"{key}__hit") for key in keys]
    ambiguous = pl.any_horizontal(pl.col(f"{key}__many") > 1 for key in keys)
    has_key = pl.any_horizontal(pl.col(f"{key}__key") for key in keys)
    problem = (
        pl.when(pl.coalesce(hits).is_not_null())
        .then(None)
        .when(ambiguous)
        .then(pl.lit("ambiguous"))
        .when(has_key)
        .then(pl.lit("no match"))
        .otherwise(pl.lit("no key"))
    )
    by = pl.coalesce(
        pl.when(hit.is_not_null()).then(pl.lit(key))
        for key, hit in zip(keys, hits, strict=True)
    )
    return matches.select(
        target=pl.coalesce(hits), by=by, problem=problem.cast(pl.String)
    )


def _matches(seeking: pl.Series, targets: pl.Series) -> pl.DataFrame:
    key = seeking.name
    index = (
        targets.to_frame()
        .with_row_index("__hit__")
        .drop_nulls(key)
        .group_by(key)
        .agg(pl.col("__hit__").first(), many=pl.len())
    )
    alone = pl.col("many") == 1
    return (
        seeking.to_frame()
        .join(index, on=key, how="left", maintain_order="left")
        .select(
            pl.when(alone).then("__hit__").alias(f"{key}__hit"),
            pl.col("many").fill_null(0).alias(f"{key}__many"),
            pl.col(key).is_not_null().alias(f"{key}__key"),
        )
    )


def id_key(column: pl.Expr, /) -> pl.Expr:
    """The identifier as text, trimmed; a spreadsheet's ".0" is cut off.

    Null where empty. Case is kept, as some systems' ids differ in it alone.

    >>> ids = pl.DataFrame({"id": [" 17", "17.0", "a1B", " "]})
    >>> ids.select(id_key(pl.col("id")))["id"].to_list()
    ['17', '17', 'a1B', None]
    """
    text = column.cast(pl.String).str.strip_chars()
    return _or_null(text.str.replace(r"^(\d+)\.0+$", "${1}"))


def domain_key(column: pl.Expr, /) -> pl.Expr:
    """The web domain in an e-mail or web address, in lower case, without "www.".

    Null where there is none, or where it is a free mail provider's. A sub-domain stays
    as it is: without a list of all registries, cutting it would be a guess.

    >>> sites = pl.DataFrame({"x": ["https://www.Acme.com/de", "a@acme.com", "n/a"]})
    >>> sites.select(domain_key(pl.col("x")))["x"].to_list()
    ['acme.com', 'acme.com', None]
    """
    bare = (
        column.cast(pl.String)
        .str.strip_chars()
        .str.to_lowercase()
        .str.replace(r"^[a-z][a-z0-9+.-]*://", "")
        .str.replace(r"^mailto:", "")
        .str.extract(r"^([^/?#,;\s]+)")
        .str.replace(r"^.*@", "")
        .str.replace(r":\d*$", "")
        .str.replace(r"^www\d?\.", "")
        .str.strip_chars_end(".")
    )
    usable = bare.str.contains(r"^[\p{L}\d_-]+(\.[\p{L}\d_-]+)+$")
    return pl.when(usable & ~bare.is_in(_FREE_MAIL)).then(bare)


def name_key(column: pl.Expr, /) -> pl.Expr:
    """A company's name without case, accents, punctuation and legal form.

    Null where nothing is left. "Holding" and "Group" stay: they are other companies.

    >>> names = pl.DataFrame({"x": ["Müller & Söhne GmbH & Co. KG", "A.B.C., Inc."]})
    >>> names.select(name_key(pl.col("x")))["x"].to_list()
    ['muller and sohne', 'abc']
    """
    plain = (
        column.cast(pl.String)
        .str.to_lowercase()
        .str.replace_many(_LETTERS)
        .str.normalize("NFKD")
        .str.replace_all(r"\p{M}", "")
        .str.replace_all(r"[.'’`´]", "")
        .str.replace_all(r"\b(\pL)/(\pL)\b", "${1}${2}")
        .str.replace_all(r"[&+]", " and ")
        .str.replace_all(r"[^\p{L}\d]+", " ")
        .str.strip_chars()
        .str.replace(r"^the ", "")
    )
    endings = rf"^(.*?)(?: (?:and )?(?:{_ENDING}))+$"
    return _or_null(plain.str.replace(endings, "${1}"))


def _or_null(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.len_chars() > 0).then(text)


#: How to make each kind of key from a column.
KEYS: Final = {"id": id_key, "domain": domain_key, "name": name_key}
