"""Join keys: what makes two rows of different exports the same account.

Three keys, from sure to unsure: the identifier, the web domain, the company's name. A
key that points to several accounts is ambiguous and matches none; nothing is guessed.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

__all__ = ["KEYS", "KeyKind", "domain_key", "id_key", "matched", "name_key"]

KeyKind = Literal["id", "domain", "name"]

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


def matched(seeking: pl.DataFrame, targets: pl.DataFrame, /) -> pl.DataFrame:
    """Find for each row of `seeking` the one row of `targets` with an equal key.

    Both frames hold the same key columns (String), tried in that order: the first key
    that points to exactly one target wins. The result has `seeking`'s rows in order:
    `target` (row number, null where none), `by` (the winning key's column, null where
    none) and `problem` (null, "no key", "no match" or "ambiguous").
    """
    keys = seeking.columns
    found = pl.concat(
        [_found_by(seeking[key], targets[key]) for key in keys], how="horizontal"
    )
    hits = [pl.col(f"{key}__hit") for key in keys]
    clashed = pl.any_horizontal(pl.col(f"{key}__many") > 1 for key in keys)
    keyed = pl.any_horizontal(pl.col(f"{key}__key") for key in keys)
    problem = (
        pl.when(pl.coalesce(hits).is_not_null())
        .then(None)
        .when(clashed)
        .then(pl.lit("ambiguous"))
        .when(keyed)
        .then(pl.lit("no match"))
        .otherwise(pl.lit("no key"))
    )
    by = pl.coalesce(
        pl.when(hit.is_not_null()).then(pl.lit(key))
        for key, hit in zip(keys, hits, strict=True)
    )
    return found.select(
        target=pl.coalesce(hits), by=by, problem=problem.cast(pl.String)
    )


def _found_by(seeking: pl.Series, targets: pl.Series) -> pl.DataFrame:
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
