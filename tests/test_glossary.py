"""The words that docs/glossary.md replaces stay out of every text a user can meet.

Texts are the string literals in `icp/`, the docstrings of commands, the catalogue of
reasons and the pages. Names in code are not: identifiers, a string that looks like one,
and what a page has between backticks or in a block of code.
"""

from __future__ import annotations

import ast
import re
import tomllib
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

REASONS: Final = "icp/qualify/reasons.toml"

#: (file, replaced word) -> why it may stand there.
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("docs/honesty.md", "data set"): "public data sets that figures were measured on",
    ("docs/honesty.md", "reason code"): "a planted leak: a CRM's column of codes",
    ("docs/methods.md", "bin"): "bins of the literature's information value",
    ("docs/methods.md", "classifier"): "the title of a paper",
    ("docs/methods.md", "intercept"): "regression, for a statistician",
    ("docs/methods.md", "weights"): "regression, for a statistician",
    ("icp/demo/history.py", "feature"): "a lost reason as CRMs write it",
    ("icp/ingest/readers/content.py", "bin"): "the name of a file inside a workbook",
    ("icp/ingest/readers/typed.py", "driver"): "a database driver",
    ("icp/store/database.py", "driver"): "a database driver",
    (REASONS, "feature"): "a lost reason as CRMs write it",
    (REASONS, "set aside"): "money in a budget, in a question to the prospect",
}

_CODE: Final = re.compile(
    r"^```.*?^```|`[^`\n]*`|\]\([^)\n]*\)", re.DOTALL | re.MULTILINE
)


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each word of the glossary with the words it replaces."""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] != "word" and not set(cells[0]) <= {"-"}:
            yield cells[0], [word.strip() for word in cells[2].split(",")]


REPLACED: Final = {
    word.lower(): name for name, words in rows() for word in words if word
}
PATTERN: Final = re.compile(
    r"(?<![\w-])("
    + "|".join(
        re.escape(word).replace(r"\ ", r"\s+")
        for word in sorted(REPLACED, key=len, reverse=True)
    )
    + r")s?(?![\w-])",
    re.IGNORECASE,
)
#: A text that is the name of something in code.
KEY: Final = re.compile(r"[a-z0-9_.]+")


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


def catalogue(values: object) -> Iterator[tuple[int, str]]:
    """The texts of the reasons to walk away."""
    if isinstance(values, dict):
        for value in values.values():
            yield from catalogue(value)
    elif isinstance(values, list):
        for value in values:
            yield from catalogue(value)
    elif isinstance(values, str):
        yield 0, values


def texts(file: str) -> Iterator[tuple[int, str]]:
    """Line and text of everything in a file that a user can meet."""
    if file.endswith(".md"):
        return prose(file)
    if file.endswith(".toml"):
        return catalogue(tomllib.loads((ROOT / file).read_text(encoding="utf-8")))
    return literals(file)


def matches(file: str) -> list[tuple[str, str]]:
    """Each word of a file that the glossary replaces, with a line for the reader."""
    return [
        (
            word := " ".join(match[1].lower().split()),
            f"{file}:{line}: {match[0]!r}; say {REPLACED[word]!r}",
        )
        for line, text in texts(file)
        if not KEY.fullmatch(text)
        for match in PATTERN.finditer(text)
    ]


def test_the_glossary_replaces_about_as_many_words_as_it_has():
    assert len(list(rows())) >= 40
    assert len(REPLACED) >= 40
    assert not {name.lower() for name, _ in rows()} & set(REPLACED)


@pytest.mark.parametrize("file", [*PAGES, *MODULES, REASONS])
def test_a_replaced_word_is_in_no_text(file):
    assert not [
        report for word, report in matches(file) if (file, word) not in EXCEPTIONS
    ]


@pytest.mark.parametrize(("file", "word"), EXCEPTIONS)
def test_an_exception_is_still_needed(file, word):
    assert word in {match for match, _ in matches(file)}


@pytest.mark.parametrize("text", ["A Woken account", "lookalikes,", "set  aside"])
def test_a_replaced_word_is_caught_in_any_case_and_number(text):
    assert PATTERN.search(text)


@pytest.mark.parametrize("text", ["a moonset asideness", "woke-ness", "the reader"])
def test_a_part_of_a_word_is_not_a_word(text):
    assert not PATTERN.search(text)
