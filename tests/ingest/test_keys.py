from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.ingest.plan import domain_key, id_key, match_rows, name_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("0013000000abcDE", "0013000000abcDE"),
        (" 17 ", "17"),
        ("17.0", "17"),
        ("17.00", "17"),
        ("17.5", "17.5"),
        ("A.0", "A.0"),
        ("", None),
        (None, None),
    ],
)
def test_id_key(text, key):
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    assert frame.select(id_key(pl.col("x"))).item() == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("acme.com", "acme.com"),
        ("ACME.COM", "acme.com"),
        ("https://www.acme.com/about?x=1#y", "acme.com"),
        ("http://acme.com:8080", "acme.com"),
        ("www2.acme.com", "acme.com"),
        ("mailto:sales@acme.com", "acme.com"),
        ("Jane.Doe@eu.acme.co.uk", "eu.acme.co.uk"),
        ("a@acme.com; b@other.com", "acme.com"),
        ("acme.com.", "acme.com"),
        ("müller.de", "müller.de"),
        ("someone@gmail.com", None),
        ("acme", None),
        ("n/a", None),
        ("", None),
        (None, None),
    ],
)
def test_domain_key(text, key):
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    assert frame.select(domain_key(pl.col("x"))).item() == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Acme Inc.", "acme"),
        ("ACME, INC", "acme"),
        ("The Acme Company", "acme"),
        ("Müller & Söhne GmbH & Co. KG", "muller and sohne"),
        ("Mueller GmbH", "mueller"),
        ("Straße AG", "strasse"),
        ("Société Générale S.A.", "societe generale"),
        ("Novo Nordisk A/S", "novo nordisk"),
        ("Allegro Sp. z o.o.", "allegro"),
        ("Skoda Auto a.s.", "skoda auto"),
        ("Tata Pvt. Ltd.", "tata"),
        ("Petronas Sdn Bhd", "petronas"),
        ("BHP Pty Ltd", "bhp"),
        ("Cemex S.A. de C.V.", "cemex"),
        ("O'Reilly Media", "oreilly media"),
        ("Acme Holding", "acme holding"),
        ("Limited", "limited"),
        ("  ", None),
        ("...", None),
        (None, None),
    ],
)
def test_name_key(text, key):
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    assert frame.select(name_key(pl.col("x"))).item() == key


@settings(deadline=None, max_examples=30)
@given(st.text(alphabet="aB ßé.&,/@'-9\u0301", max_size=30))
def test_keys_of_keys_are_themselves(text):
    frame = pl.DataFrame({"x": [text]}, schema={"x": pl.String})
    for key in (id_key, name_key, domain_key):
        once = frame.select(key(pl.col("x")))
        assert_frame_equal(once.select(key(pl.col("x"))), once)


def test_matched_takes_the_first_key_that_points_to_one_row():
    seeking = pl.DataFrame(
        {
            "id": ["1", "9", None, None, "9", None],
            "name": ["beta", "beta", "gamma", "twin", "none", None],
        }
    )
    targets = pl.DataFrame(
        {
            "id": ["1", "2", "3", "4", None],
            "name": ["acme", "beta", "gamma", "twin", "twin"],
        }
    )
    assert_frame_equal(
        match_rows(seeking, targets),
        pl.DataFrame(
            {
                "target": [0, 1, 2, None, None, None],
                "by": ["id", "name", "name", None, None, None],
                "problem": [None, None, None, "ambiguous", "no match", "no key"],
            },
            schema_overrides={"target": pl.get_index_type()},
        ),
    )


_KEYS = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y", None])),
    max_size=6,
)


@settings(deadline=None, max_examples=30)
@given(_KEYS, _KEYS)
def test_matched_agrees_with_looking_at_every_pair(seeking, targets):
    schema = {"0": pl.String, "1": pl.String}
    found = match_rows(
        pl.DataFrame(seeking, schema, orient="row"),
        pl.DataFrame(targets, schema, orient="row"),
    )
    assert found["target"].to_list() == [_naive(row, targets) for row in seeking]


def _naive(row, targets):
    for position, key in enumerate(row):
        equal = [i for i, target in enumerate(targets) if target[position] == key]
        if key is not None and len(equal) == 1:
            return equal[0]
    return None
