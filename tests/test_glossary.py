"""The words that docs/glossary.md replaces stay out of every text a user can meet.

Texts are the string literals of `icp/` (what a dictionary of headers recognises is no
text), the docstrings of commands, the catalogue of reasons, and the pages. Code names
are not texts: neither identifiers nor what stands between backticks or in a block of
code.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
GLOSSARY: Final = ROOT / "docs" / "glossary.md"
PAGES: Final = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    if page != GLOSSARY
)
MODULES: Final = sorted(
    module.relative_to(ROOT).as_posix() for module in (ROOT / "icp").rglob("*.py")
)

#: (file, refused word) -> why it may stand there.
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {}

_CODE: Final = re.compile(
    r"^```.*?^```|`[^`\n]*`|\]\([^)\n]*\)", re.DOTALL | re.MULTILINE
)


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each word of the glossary with the words it replaces."""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] != "word" and not set(cells[0]) <= {"-"}:
            yield cells[0], [word.strip() for word in cells[2].split(",")]


REPLACED: Final = {word: name for name, words in rows() for word in words if word}
PATTERN: Final = re.compile(
    rf"(?<![\w-])({'|'.join(map(re.escape, sorted(REPLACED, key=len, reverse=True)))})s?(?![\w-])",
    re.IGNORECASE,
)


def prose(page: str) -> Iterator[tuple[int, str]]:
    """The lines of a page without its code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = _CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
    yield from enumerate(text.splitlines(), 1)


def literals(module: str) -> Iterator[tuple[int, str]]:
    """The string literals of a module; docstrings only where they are help texts."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    help_texts = {
        function.body[0].value
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and module.startswith("icp/cli/")
        and isinstance(function.body[0], ast.Expr)
        and not function.name.startswith("_")
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (node not in docstrings or node in help_texts)
        ):
            yield node.lineno, node.value


def hits(file: str, texts: Iterator[tuple[int, str]]) -> list[str]:
    """Each refused word with its place and the word to use."""
    return [
        f"{file}:{line}: {match[0]!r}, say {REPLACED[match[1].lower()]!r}"
        for line, text in texts
        for match in PATTERN.finditer(text)
        if (file, match[1].lower()) not in EXCEPTIONS
    ]
