from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.report import Bullets, Document, Section, Table, as_html, as_markdown

PLAIN = Document(
    title="A card",
    lead="Who it is",
    sections=(
        Section("Words", ("One paragraph.", Bullets(("first", "second")))),
        Section("Figures", (Table(("name", "n"), (("Retail", "3"), ("Bank", "4"))),)),
    ),
)
HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://a.example/b.png)",
    "a | b\n| --- |",
    "# not a title",
    "- not a list",
    "1. not a list",
    "`code` ~~gone~~ $x$ [^1]",
    "&amp; &lt;b&gt;",
    "back\\slash",
    '"><img src=x onerror=alert(1)>',
]


class Read(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def of(text: str) -> Document:
    blocks = (text, Bullets((text,)), Table((text,), ((text,),)))
    return Document(title=text, lead=text, sections=(Section(text, blocks),))


def test_markdown_of_a_plain_document() -> None:
    assert as_markdown(PLAIN) == (
        "# A card\n\nWho it is\n\n## Words\n\nOne paragraph.\n\n- first\n- second\n\n"
        "## Figures\n\n| name | n |\n| --- | --- |\n| Retail | 3 |\n| Bank | 4 |\n"
    )


def test_html_of_a_plain_document() -> None:
    page = Read(as_html(PLAIN))
    counts = {tag: page.tags.count(tag) for tag in ("h1", "h2", "li", "tr", "td", "th")}
    assert counts == {"h1": 1, "h2": 2, "li": 2, "tr": 3, "td": 4, "th": 2}
    assert "One paragraph." in page.texts


def test_the_page_fetches_and_runs_nothing() -> None:
    page = as_html(PLAIN)
    assert "default-src 'none'" in page
    read = Read(page)
    assert not {"script", "img", "link", "iframe", "form", "a"} & set(read.tags)
    assert not {"src", "href", "style", "onclick"} & read.attributes


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_a_hostile_text_as_it_is(text: str) -> None:
    read = Read(as_html(of(text)))
    assert read.tags == Read(as_html(of("x"))).tags
    assert " ".join(text.split()) in read.texts


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_keeps_its_shape_whatever_the_text(text: str) -> None:
    lines = as_markdown(of(text)).splitlines()
    assert len(lines) == len(as_markdown(of("x")).splitlines())
    unescaped = re.compile(r"(?<!\\)(?:\\\\)*[|<`$~\[]")
    assert not [line for line in lines if unescaped.search(line.strip("| -"))]


@given(st.text())
def test_any_text_is_one_line_and_no_tag(text: str) -> None:
    assert Read(as_html(of(text))).tags == Read(as_html(of("x"))).tags
    made = as_markdown(of(text)).split("\n")
    assert len(made) == len(as_markdown(of("x")).split("\n"))


def test_what_cannot_be_seen_is_shown_to_be_there() -> None:
    assert "a\ufffdb" in as_markdown(of("a\u202eb"))
    assert "a\ufffdb" in as_html(of("a\x00b"))


def test_the_start_of_a_line_is_no_list() -> None:
    card = Document(title="t", lead="1. x", sections=(Section("s", ("- y", "+5 z")),))
    assert "1\\. x" in as_markdown(card)
    assert "\\- y" in as_markdown(card)
    assert "\n+5 z" in as_markdown(card)


def test_tables_have_a_text_for_every_header() -> None:
    with pytest.raises(ValueError, match="a table row has 3 cells, not 2"):
        Table(("a", "b"), (("1", "2", "3"),))
