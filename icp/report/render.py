"""Documents as Markdown and as HTML; every text is shown as it is, never run."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from icp.report.document import Bullets, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from icp.report.document import Block, Document

__all__ = ["as_html", "as_markdown"]

#: What means something in Markdown inside a line.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~$]|&(?=#?\w+;))")
#: What means something only where a line starts.
_LEADING: Final = re.compile(r"^(\s*)([-+=](?=-*(?:\s|$))|\d+[.)](?=\s|$))")
_SPACE: Final = re.compile(r"\s+")
#: Characters that cannot be seen, that turn the direction of writing, or are halves.
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 0.3rem; }
p, ul { margin: 0.3rem 0; }
.lead { color: #57606a; }
table { border-collapse: collapse; width: 100%; margin: 0.4rem 0; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0;
  border-bottom: 1px solid #d0d7de; overflow-wrap: break-word; }
@media print { body { margin: 0; font-size: 11px; } h2 { break-after: avoid; } }
"""


def as_markdown(document: Document, /) -> str:
    r"""The document as Markdown; no text in it is taken for markup.

    >>> from icp.report.document import Document, Section
    >>> section = Section("Who", ("Retail | *all* of them",))
    >>> print(as_markdown(Document(title="Card", lead="v1", sections=(section,))))
    # Card
    <BLANKLINE>
    v1
    <BLANKLINE>
    ## Who
    <BLANKLINE>
    Retail \| \*all\* of them
    <BLANKLINE>
    """
    parts = [f"# {_marked(document.title)}", _marked(document.lead)]
    for section in document.sections:
        parts.append(f"## {_marked(section.title)}")
        parts += ["\n".join(_markdown(block)) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield _piped(block.headers)
        yield _piped(("---",) * len(block.headers), marked=False)
        yield from (_piped(row) for row in block.rows)
    elif isinstance(block, Bullets):
        yield from (f"- {_marked(line)}" for line in block.lines)
    else:
        yield _marked(block)


def _piped(cells: Iterable[str], *, marked: bool = True) -> str:
    return f"| {' | '.join(_marked(cell) if marked else cell for cell in cells)} |"


def _marked(text: str) -> str:
    one_line = _MARKUP.sub(r"\\\1", _plain(text))
    return _LEADING.sub(lambda m: f"{m[1]}{_harmless(m[2])}", one_line)


def _harmless(mark: str) -> str:
    """The mark of a list, so that it stands for itself."""
    return f"{mark[:-1]}\\{mark[-1]}"


def as_html(document: Document, /) -> str:
    """The document as one HTML page that fetches and runs nothing.

    >>> from icp.report.document import Document
    >>> "<b>" in as_html(Document(title="<b>", lead=""))
    False
    """
    body = [
        f"<h1>{_safe(document.title)}</h1>",
        f'<p class="lead">{_safe(document.lead)}</p>',
    ]
    for section in document.sections:
        body.append(f"<h2>{_safe(section.title)}</h2>")
        body += ["".join(_html(block)) for block in section.blocks]
    return "\n".join([_head(document.title), *body, "</body>", "</html>", ""])


def _head(title: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_safe(title)}</title>",
            f"<style>{_STYLE}</style>\n</head>\n<body>",
        ]
    )


def _html(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield f"<table><thead>{_row(block.headers, 'th')}</thead><tbody>"
        yield from (_row(row, "td") for row in block.rows)
        yield "</tbody></table>"
    elif isinstance(block, Bullets):
        items = "".join(f"<li>{_safe(line)}</li>" for line in block.lines)
        yield f"<ul>{items}</ul>"
    else:
        yield f"<p>{_safe(block)}</p>"


def _row(cells: Iterable[str], tag: str) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f"<tr>{''.join(f'<{tag}{scope}>{_safe(c)}</{tag}>' for c in cells)}</tr>"


def _safe(text: str) -> str:
    return escape(_plain(text))


def _plain(text: str) -> str:
    """One line of what can be seen."""
    return _UNSEEN.sub("\ufffd", _SPACE.sub(" ", text)).strip()
