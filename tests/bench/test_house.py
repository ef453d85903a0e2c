import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "bench" / "house"


@pytest.fixture(autouse=True)
def _house_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(HOUSE))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Writes files by name; the folder they are in is the working one."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / "shop" / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return Path("shop")

    return write


def files(root):
    from measure import sources

    return sources(root)


def only(root):
    (file,) = files(root)
    return file


PRICES = '''\
"""Prices of the shop.

In euro.
"""

# Imports first.
from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop.orders import Order

    from shop.stock import Stock

__all__ = ["total"]

RATE = 1.2


def total(order: Order, *, cap: float) -> float:
    """What an order costs."""
    # Nobody pays more than the cap.

    def price(line: str) -> float:
        """Of a line."""
        return RATE

    return min(cap, math.fsum(price(line) for line in order))


class Till:
    """Where it is paid."""

    def open(self, key):
        text = """a

        b"""
        return text
'''


def test_lines_and_tokens_are_those_of_code(tree):
    file = only(tree(prices=PRICES))
    assert sorted(file.code) == [
        *[7, 9, 10, 12, 13, 15, 17, 19],
        *[22, 26, 28, 30],
        *[33, 36, 37, 38, 39, 40],
    ]
    assert [token.string for token in file.tokens[-3:]] == [
        '"""a\n\n        b"""',
        "return",
        "text",
    ]


def test_every_token_but_layout_counts(tree):
    text = '"""Doc."""\nx = (  # why\n    1,\n)\n\n\ndef f():\n    return x\n'
    assert [token.string for token in only(tree(a=text)).tokens] == [
        *["x", "=", "(", "1", ",", ")"],
        *["def", "f", "(", ")", ":", "return", "x"],
    ]


def test_bodies_are_without_docstring_and_inner_functions_count_twice(tree):
    from measure import body

    file = only(tree(prices=PRICES))
    lengths = {f.name: body(f, file.code) for f in file.functions}
    assert lengths == {"total": 3, "price": 1, "open": 4}


def test_a_body_of_a_docstring_alone_is_empty(tree):
    from measure import body

    file = only(tree(a='def f():\n    """Nothing."""\n'))
    assert [body(f, file.code) for f in file.functions] == [0]


def test_nine_tenths_are_at_most_p90():
    from measure import p90

    assert p90([*range(10, 0, -1)]) == 9
    assert p90([*range(1, 12)]) == 10
    assert p90([7]) == 7


def test_the_head_ends_with_what_is_handed_out(tree):
    from measure import head_end, head_lines

    file = only(tree(prices=PRICES))
    assert (head_end(file.tree), head_lines(file)) == (17, 7)


def test_an_import_below_code_is_head_of_code_only(tree):
    from measure import head_end, head_lines

    file = only(tree(a="import os\nX = 1\nfrom b import (\n    c,\n)\n"))
    assert (head_end(file.tree), head_lines(file)) == (1, 4)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x = 1\n", 0),
        ('__all__ = ["a", "b"]\n', 2),
        ('__all__: list[str] = ["a"]\n__all__ += ("a", "b", "c")\n', 3),
    ],
)
def test_public_names_are_those_of_all(tree, text, count):
    from measure import public_names

    assert public_names(only(tree(a=text))) == count


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("def f() -> int", True),
        ("def f()", False),
        ("def f(a: int, /, b: int, *c: int, d: int, **e: int) -> int", True),
        ("def f(a, /, b: int, *c: int, d: int, **e: int) -> int", False),
        ("def f(a: int, /, b: int, *c, d: int, **e: int) -> int", False),
        ("def f(a: int, /, b: int, *c: int, d, **e: int) -> int", False),
        ("def f(a: int, /, b: int, *c: int, d: int, **e) -> int", False),
        ("def f(self, cls) -> None", True),
        ("async def f(a) -> None", False),
    ],
)
def test_annotated_is_everything_but_self_and_cls(tree, signature, expected):
    from measure import is_annotated

    (function,) = only(tree(a=f"{signature}: ...\n")).functions
    assert is_annotated(function) is expected


def edges(root, *, typing=True):
    from measure import graph

    return {m: sorted(names) for m, names in graph(files(root), typing=typing).items()}


def test_an_import_leads_to_the_module_or_else_to_the_package(tree):
    root = tree(
        __init__="NAME = 1\n",
        a="import os\nimport shop\n",
        b="from shop import NAME, c\n",
        c="import shop.nowhere\n",
        d__in____init__="from .e import x\nfrom .. import a\nfrom . import nothing\n",
        d__in__e="def f():\n    from ..b import c\n",
    )
    assert edges(root) == {
        "shop": [],
        "shop.a": ["shop"],
        "shop.b": ["shop", "shop.c"],
        "shop.c": [],
        "shop.d": ["shop.a", "shop.d.e"],
        "shop.d.e": ["shop.b"],
    }


CIRCLE = {
    "__init__": "",
    "a": "import typing\n\nif typing.TYPE_CHECKING:\n    from shop.b import B\n",
    "b": "from shop.c import C\n",
    "c": "def late():\n    from shop.a import A\n",
    "d": "from shop import a\n",
}


def test_typing_only_imports_make_a_circle_and_no_depth(tree):
    from measure import import_measures

    root = tree(**CIRCLE)
    assert edges(root)["shop.a"] == ["shop.b"]
    assert edges(root, typing=False)["shop.a"] == []
    assert import_measures(files(root)) == {"depth": 3, "circles": 1}


def test_an_import_that_also_runs_is_not_typing_only(tree):
    light = "if TYPE_CHECKING:\n    from shop.b import B\nelse:\n    import shop.c\n"
    root = tree(a=light, b="", c="")
    assert edges(root, typing=False)["shop.a"] == ["shop.c"]


def test_a_circle_counts_as_one_in_the_depth():
    from measure import depth

    line = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert (depth({}), depth(line), depth(line | {"c": {"b"}})) == (0, 3, 2)


def test_each_circle_is_listed_as_the_ways_around_it():
    from measure import circles, ways_around

    imports = {
        "a": {"b"},
        "b": {"a", "c"},
        "c": {"b", "d"},
        "d": set(),
        "e": {"f"},
        "f": {"e"},
    }
    assert circles(imports) == [["a", "b", "c"], ["e", "f"]]
    assert ways_around(imports, ["a", "b", "c"]) == [["a", "b", "a"], ["c", "b", "c"]]
    assert ways_around(imports, ["e", "f"]) == [["e", "f", "e"]]


ASSIGNMENTS = """\
found = first, [*rest] = 1, [2]
is_known: bool = True
total += 1
self.kept = named["x"] = 0
for _ in []: pass
with open() as said: pass
print(told := [seen for seen in []])
foundation = used_ = sorted_names = closed = 1
def f(given): ...
"""


def test_participles_are_among_all_names_that_are_assigned(tree):
    from measure import participles, places

    names = places(files(tree(a=ASSIGNMENTS)))
    assert {place.name for place in names} == {
        *["found", "first", "rest", "is_known", "_", "said", "told", "seen"],
        *["foundation", "used_", "sorted_names", "closed"],
    }
    assert sorted(place[:1] + place[2:] for place in participles(names)) == [
        ("found", 1, "found"),
        ("known", 2, "is_known"),
        ("said", 6, "said"),
        ("seen", 7, "seen"),
        ("told", 7, "told"),
        ("used", 8, "used_"),
    ]


def printed(capsys, monkeypatch, *arguments):
    from measure import main

    monkeypatch.setattr("sys.argv", ["measure.py", "--root", "shop", *arguments])
    try:
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code
    return status, capsys.readouterr().out.splitlines()


def test_a_row_holds_every_measure(tree, tmp_path, capsys, monkeypatch):
    tree(prices=PRICES, __init__='__all__ = ["a", "b"]\nfound = 1\n')
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_prices.py").write_text("x = 1\n" * 5, "utf-8")
    arguments = ("--tests", "checks", "--label", "before")
    assert printed(capsys, monkeypatch, *arguments) == (
        0,
        [
            "| before | 2 | 20 | 106 | 3 | 3 / 4 / 4 | 42.9 % | 1 | 2 | 0.25 "
            "| 40.0 % | 66.7 % | 0 | 16.7 % |"
        ],
    )


def test_the_page_stands_beside_libraries_and_targets(tree, capsys, monkeypatch):
    tree(prices=PRICES)
    arguments = ("--tests", "shop", "--heading", "Before", "--label", "then")
    status, page = printed(capsys, monkeypatch, *arguments)
    assert (status, page[:2]) == (0, ["## Before", ""])
    rows = [line for line in page if line.startswith("|")]
    assert {row.count("|") for row in rows[:8]} == {15}
    assert rows[2].startswith("| then | 1 | 18 |")
    assert rows[8:] == [
        "| to reach | bound | then | |",
        "|---|---:|---:|---|",
        "| code lines | ≤ 28,500 | 18 | met |",
        "| files | ≤ 145 | 1 | met |",
        "| header share | ≤ 7.0 % | 42.5 % | missed |",
        "| head of code | ≤ 7.0 % | 38.9 % | missed |",
        "| body median | ≤ 6 | 3 | met |",
        "| body p90 | ≤ 20 | 4 | met |",
        "| annotated functions | ≥ 100.0 % | 66.7 % | missed |",
        "| import circles | ≤ 0 | 0 | met |",
        "| participles | ≤ 1.0 % | 0.0 % | met |",
    ]


def test_words_are_listed_commonest_first_with_their_places(tree, capsys, monkeypatch):
    tree(a="kept = 1\nfound = 2\nmoved = 3\n", b="was_found = 1\n")
    assert printed(capsys, monkeypatch, "--words") == (
        0,
        [
            "3 of 4 assignments",
            "    2 found",
            "    1 kept",
            "not counted, in -ed: moved 1",
        ],
    )
    assert printed(capsys, monkeypatch, "--places")[1][1:4] == [
        "    2 found",
        "      shop/a.py:2 found",
        "      shop/b.py:1 was_found",
    ]


def test_circles_end_with_status_1(tree, capsys, monkeypatch):
    tree(**CIRCLE)
    assert printed(capsys, monkeypatch, "--circles") == (
        1,
        [
            "circle of 3 files:",
            "  shop/a.py -> shop/b.py -> shop/c.py -> shop/a.py",
        ],
    )
    tree(c="")
    assert printed(capsys, monkeypatch, "--circles") == (0, ["no import circles"])


def test_a_folder_without_files_is_refused(tree, capsys, monkeypatch):
    tree(a="")
    assert printed(capsys, monkeypatch, "--tests", "nowhere")[0] == 2
    assert printed(capsys, monkeypatch, "--circles", "--tests", "nowhere")[0] == 0


def test_the_script_needs_nothing_but_python():
    import measure

    roots = {
        name.partition(".")[0]
        for file in measure.sources(HOUSE)
        for node in measure.imports_in(file.tree)
        for name in measure.destinations(node, "", set())
    }
    assert roots <= sys.stdlib_module_names
