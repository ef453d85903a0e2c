"""What a text could be taken for in Markdown, and what a page must not hold."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.report import Bullets, Document, Section, Table, as_html, as_markdown

#: All that CommonMark lets a backslash stand before.
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
#: In Markdown an entity ends with a semicolon; in HTML some need none.
_ENTITY = re.compile(r"&#?\w+;")


def of(*blocks: str | Bullets | Table) -> Document:
    return Document(title="t", lead="l", sections=(Section("s", blocks),))


def paragraph(text: str) -> str:
    """The last line of the Markdown of a document that ends with this text."""
    return as_markdown(of(text)).rstrip("\n").rsplit("\n", 1)[-1]


def read(markdown: str) -> str:
    """What a reader of Markdown shows of a line without markup."""
    parts = _ESCAPED.split(markdown)
    return "".join(
        part if place % 2 else _ENTITY.sub(lambda entity: unescape(entity[0]), part)
        for place, part in enumerate(parts)
    )


@given(st.text(st.sampled_from("a1&;#<*-=+.)_ lt")))
def test_a_line_of_markdown_reads_as_the_text_it_was_made_of(text: str) -> None:
    assert read(paragraph(f"x{text}")) == " ".join(f"x{text}".split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("&#60;", "\\&\\#60;"),
        ("&copy; & R&D", "\\&copy; & R&D"),
        ("---", "\\---"),
        ("- - -", "\\- - -"),
        ("===", "==="),
        ("--x", "--x"),
        ("-5 to 3", "-5 to 3"),
        ("1.5 times", "1.5 times"),
        ("12) x", "12\\) x"),
    ],
)
def test_a_text_is_no_entity_no_rule_and_no_list(text: str, shown: str) -> None:
    assert paragraph(text) == shown


def test_a_line_of_a_list_is_no_list_of_its_own() -> None:
    lines = as_markdown(of(Bullets(("---", "2. x", "> y")))).splitlines()
    assert lines[-3:] == ["- \\---", "- 2\\. x", "- \\> y"]


@pytest.mark.parametrize("code", [0xAD, 0x61C, 0x180E, 0x202D, 0x2068, 0xFFF9, 0xE0041])
def test_marks_that_hide_or_turn_a_text_are_shown(code: int) -> None:
    hidden = f"Retail{chr(code)}Bank"
    assert "Retail\ufffdBank" in as_html(of(hidden))
    assert "Retail\ufffdBank" in as_markdown(of(hidden))


def test_half_a_character_can_still_be_written_to_a_file() -> None:
    broken = of("a\ud83dz", Bullets(("\udc00",)))
    assert "a\ufffdz" in as_html(broken).encode().decode()
    assert "a\ufffdz" in as_markdown(broken).encode().decode()


@pytest.mark.parametrize("text", ["שלום", "مرحبا", "🚀 Rocket", "日本", "Ä" * 5_000])
def test_texts_in_every_writing_stay_as_they_are(text: str) -> None:
    assert text in as_html(of(text))
    assert text in as_markdown(of(text))


def test_nothing_in_a_block_is_nothing_in_the_page() -> None:
    page = as_html(of("", Bullets(()), Table(("a",), ())))
    assert "<p></p>\n<ul></ul>\n<table>" in page
    assert "<tbody></tbody>" in page


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_are_escaped_wherever_they_stand(quote: str) -> None:
    text = f"{quote} onload={quote}x"
    body = as_html(of(text, Table((text,), ((text,),)))).split("</head>")[1]
    tags = re.sub(r' scope="col"', "", body)
    assert quote not in tags.replace('<p class="lead">', "")


def test_the_title_of_the_page_cannot_close_itself() -> None:
    page = as_html(Document(title="</title><script>x</script>", lead=""))
    assert page.count("</title>") == 1
    assert "<script" not in page
