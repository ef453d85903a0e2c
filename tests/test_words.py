"""Numbers, plurals and hidden characters have one home, `icp.words`."""

from __future__ import annotations

import ast
import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp import words
from icp.outcomes.label import money

ROOT = Path(__file__).parents[1] / "icp"
FILES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if "migrations" not in path.parts and path.name != "words.py"
)

#: By file: why it writes a percentage itself.
OWN_PERCENT = {
    "demo/exports.py": "vendors' exports are messy on purpose",
}
#: By file: why it chooses between singular and plural itself.
OWN_PLURAL = {"workflow/learning.py": "said of none and of several profiles only"}

FORMATTED = re.compile(r"\.\d%$")
BY_HAND = re.compile(r"(?<=[\d}]) %(?![\w({%])|\}%|(?<!%)\{[^{}]*:\.\d%\}")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts(tree: ast.Module) -> list[str]:
    """Texts of a module as they are written, with {} for what is filled in."""
    parts = []
    inside = {
        id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.append(
                "".join(
                    str(v.value) if isinstance(v, ast.Constant) else "{}"
                    for v in node.values
                )
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            parts.append(node.value)
    return parts


def percents(tree: ast.Module) -> list[str]:
    specs = [
        part.value
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue)
        and isinstance(node.format_spec, ast.JoinedStr)
        for part in node.format_spec.values
        if isinstance(part, ast.Constant)
    ]
    found = [spec for spec in specs if FORMATTED.search(spec)]
    return found + [text for text in texts(tree) if BY_HAND.search(text)]


def plurals(tree: ast.Module) -> list[str]:
    """Choices between two texts by whether a count is one, and plurals without."""
    nodes = list(ast.walk(tree))
    choices = [node for node in nodes if isinstance(node, ast.IfExp)]
    templates = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    return [
        *(ast.unparse(node) for node in choices if _is_by_count(node)),
        *(ast.unparse(node) for node in templates if _counts_what_may_be_one(node)),
    ]


def _counts_what_may_be_one(template: ast.JoinedStr) -> bool:
    """Whether a plural follows `len(...)`, as in "1 rows"."""
    return any(
        isinstance(count, ast.FormattedValue)
        and ast.unparse(count.value).startswith("len(")
        and isinstance(text, ast.Constant)
        and re.match(r" (?:\w+ )?\w+[^s\W]s\b", str(text.value))
        for count, text in pairwise(template.values)
    )


def _is_by_count(choice: ast.IfExp) -> bool:
    test = choice.test
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq | ast.NotEq)
        and any(_is_one(side) for side in (test.left, *test.comparators))
        and all(_is_text(branch) for branch in (choice.body, choice.orelse))
    )


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _is_text(node: ast.expr) -> bool:
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return constant or isinstance(node, ast.JoinedStr)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_percentages_and_plurals_are_written_in_one_place(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    own = bool(percents(tree)), bool(plurals(tree))
    assert own == (name_of(path) in OWN_PERCENT, name_of(path) in OWN_PLURAL)


@pytest.mark.parametrize(
    ("code", "percent", "plural"),
    [
        ("f'{x:.0%}'", 1, 0),
        ("f'{x} % of'", 1, 0),
        ("f'{x}%'", 1, 0),
        ("'90 % sure'", 1, 0),
        ("'90% sure'", 0, 0),
        ("'%d rows'", 0, 0),
        ("'s' if n != 1 else ''", 0, 1),
        ("'is' if n == 1 else 'are'", 0, 1),
        ("1 if n == 1 else n", 0, 0),
        ("f'{len(rows)} rows'", 0, 1),
        ("f'{len(rows):,} late rows'", 0, 1),
        ("f'{len(rows)} more'", 0, 0),
    ],
)
def test_what_is_written_by_hand_is_found(code: str, percent: int, plural: int) -> None:
    tree = ast.parse(code)
    assert (len(percents(tree)), len(plurals(tree))) == (percent, plural)


def test_hidden_characters_are_listed_once() -> None:
    listing = re.compile(r"\\u20(?:0[b-f]|2[a-e]|6[0-9a-f])|0x20(?:0B|2A|60)", re.I)
    places = [name_of(p) for p in FILES if listing.search(p.read_text("utf-8"))]
    # A word joiner that the dashboard puts in; examples in docstrings.
    assert places == ["dashboard/components.py", "ingest/values.py"]


@given(st.floats(-1e12, 1e12).map(lambda amount: round(amount) + 0.25))
def test_money_of_a_column_reads_like_one_amount(amount: float) -> None:
    frame = pl.DataFrame({"x": [amount]})
    text = frame.select(money(pl.col("x"), currency="EUR")).item()
    assert text == words.amount(amount, "EUR")


@given(st.text())
def test_visible_text_stays_on_one_line_and_stays_as_it_is(text: str) -> None:
    shown = words.visible(text)
    assert len(shown.splitlines()) <= 1
    assert words.visible(shown) == shown
    assert not words.HIDDEN & {ord(character) for character in shown}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.percent(0.0), "0%"),
        (words.percent(-0.05), "-5%"),
        (words.percent(float("inf")), "not known"),
        (words.thousands(-1_234), "−1,234"),
        (words.thousands(-0.04, digits=1), "0.0"),
        (words.amount(-1_234.4, "EUR"), "−1,234 EUR"),
        (words.amount(5), "5"),
        (words.short_amount(1_500, "EUR"), "1.5k EUR"),
        (words.plural(0, "row"), "0 rows"),
        (words.plural(1, "company", "companies"), "1 company"),
        (words.counted([], "name"), "0 names: "),
        (
            words.line_list(range(1, 13)),
            "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more",
        ),
        (words.line_list([3, 3]), "line 3"),
        (words.day(None), ""),
        (words.day(date(2026, 1, 2)), "2 January 2026"),
        (words.chance(0.1, None), "not enough closed customers"),
        (words.likely(0.994), "99%"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert text == expected
