"""Texts as HTML that fetches and runs nothing: every text is shown as it is."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


_SPACE: Final = re.compile(r"\s+")
#: Characters that cannot be seen, that turn the direction of writing, or are halves.
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def one_line(text: str, /) -> str:
    """The text on one line, with a replacement for each character nobody could see."""
    return _UNSEEN.sub("\ufffd", _SPACE.sub(" ", text)).strip()


def safe(text: str, /) -> str:
    """The text for HTML, none of it taken for markup.

    >>> safe("R&D <b>")
    'R&amp;D &lt;b&gt;'
    """
    return escape(one_line(text))


def html_table(headers: Iterable[str], rows: Iterable[Iterable[str]], /) -> str:
    """A table of texts."""
    body = "".join(_row(row, "td") for row in rows)
    return f"<table><thead>{_row(headers, 'th')}</thead><tbody>{body}</tbody></table>"


def _row(cells: Iterable[str], tag: str) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f"<tr>{''.join(f'<{tag}{scope}>{safe(c)}</{tag}>' for c in cells)}</tr>"


def notebook(title: str, lines: Iterable[str], /, *tables: str) -> str:
    """What a notebook shows of a value: a title, sentences, then tables.

    >>> notebook("Fit 97", ["grade A"])
    '<div><strong>Fit 97</strong><p>grade A</p></div>'
    """
    sentences = "".join(f"<p>{safe(line)}</p>" for line in lines)
    return f"<div><strong>{safe(title)}</strong>{sentences}{''.join(tables)}</div>"
