from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import SourceError
from icp.ingest.readers.content import Decoded, decode
from icp.ingest.readers.grid import Notes


def decoded(data: bytes, encoding: str | None = None) -> tuple[Decoded, list[str]]:
    notes = Notes("a.csv")
    result = decode(data, notes, encoding=encoding)
    return result, [f"{f.level}: {f.message}" for f in notes.findings]


@pytest.mark.parametrize(
    ("data", "text", "encoding", "told"),
    [
        (b"abc\n", "abc\n", "utf-8", None),
        (b"", "", "utf-8", None),
        ("Köln".encode(), "Köln", "utf-8", None),
        ("Köln".encode("utf-8-sig"), "Köln", "utf-8-sig", None),
        ("\ufeffKöln".encode("utf-8-sig"), "Köln", "utf-8-sig", None),
        ("Köln".encode("utf-16"), "Köln", "utf-16", "note: read as UTF-16"),
        ("Koln".encode("utf-16-be"), "Koln", "utf-16-be", "note: read as UTF-16-BE"),
        ("Köln".encode("utf-32"), "Köln", "utf-32", "note: read as UTF-32"),
        (
            "Köln\n".encode("cp1252"), "Köln\n", "cp1252",
            "note: is not UTF-8 and was read as Windows-1252: “Köln” (line 1)",
        ),
        (
            "10 €\n".encode("cp1252"), "10 €\n", "cp1252",
            "note: is not UTF-8 and was read as Windows-1252: “€” (line 1)",
        ),
        (
            "Łódź\nŻółw\n".encode("cp1250"), "£ódŸ\n¯ó³w\n", "cp1252",
            "ask: is not UTF-8 and was read as Windows-1252: "
            "“£ódŸ” (line 1), “¯ó³w” (line 2)",
        ),
        (
            "Москва\n".encode("cp1251"), "Ìîñêâà\n", "cp1252",
            "ask: is not UTF-8 and was read as Windows-1252: “Ìîñêâà” (line 1)",
        ),
        (
            "Köln\n".encode() * 3 + "Ulmö\n".encode("cp1252"), "Köln\n" * 3 + "Ulmö\n",
            "utf-8+cp1252",
            "note: two encodings in one file: mostly UTF-8, but line 4 also had "
            "Windows-1252 characters, which were read as such",
        ),
        (
            "Köln\n".encode() + "Ulmö\n".encode("cp1252") * 2, "Köln\n" + "Ulmö\n" * 2,
            "utf-8+cp1252",
            "ask: two encodings in one file: partly UTF-8, but lines 2 and 3 also had "
            "Windows-1252 characters, which were read as such",
        ),
        (
            b"a\0b\nc\0\n", "ab\nc\n", "utf-8",
            "note: NUL characters were removed from lines 1 and 2",
        ),
        (
            "Ulm\nCafÃ©\n".encode(), "Ulm\nCafÃ©\n", "utf-8",
            "ask: letters on line 2 look garbled, like “Ã©” for “é”; kept as is",
        ),
        (
            "it’s".encode().decode("cp1252").encode(), "itâ€™s", "utf-8",
            "ask: letters on line 1 look garbled, like “Ã©” for “é”; kept as is",
        ),
        ("SÃO PAULO, Âge".encode(), "SÃO PAULO, Âge", "utf-8", None),
        (
            "Köln\n".encode("utf-16")[:-1], "Köln\ufffd", "utf-16",
            "ask: bytes on line 1 are not UTF-16 and were replaced",
        ),
    ],
)  # fmt: skip
def test_bytes_become_text_and_guesses_are_told(data, text, encoding, told):
    result, findings = decoded(data)
    assert (result.text, result.encoding) == (text, encoding)
    assert findings == ([told] if told else [])


@pytest.mark.parametrize(
    ("data", "encoding", "told"),
    [
        (b"abc", "nonsense", "unknown encoding 'nonsense'"),
        (b"ab\nc\xff", "utf-8", "line 2: is not utf-8: byte 0xff does not exist"),
        (b"a\x81", "cp1252", "is not cp1252: byte 0x81"),
    ],
)
def test_an_encoding_that_does_not_fit_is_refused(data, encoding, told):
    with pytest.raises(SourceError, match=told):
        decoded(data, encoding)


@pytest.mark.parametrize("encoding", ["cp1250", "cp1251", "shift_jis", "gbk", "utf-16"])
def test_a_named_encoding_is_used(encoding):
    text = {"cp1250": "Łódź", "cp1251": "Москва"}.get(encoding, "東京")
    assert decoded(text.encode(encoding), encoding) == (
        Decoded(text=text, encoding=encoding),
        [],
    )


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_utf_8_comes_back_as_it_was(text):
    result, _ = decoded(text.encode())
    assert result.text == text.removeprefix("\ufeff")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_become_text_without_nul(data):
    result, findings = decoded(data)
    assert "\0" not in result.text
    assert findings or result.text.encode() == data.removeprefix(b"\xef\xbb\xbf")
