"""Measure a source tree: its size, its functions, heads, imports and names.

    python bench/house/measure.py [--root icp] [--tests tests]
    python bench/house/measure.py --label before        one row of the table
    python bench/house/measure.py --heading TEXT        the whole page under a heading
    python bench/house/measure.py --words [--places]    participles, commonest first
    python bench/house/measure.py --circles             exit 1 if there is any

Prints Markdown: the tree beside five libraries, and what it is to reach. The rows of
the five were measured once, at the versions of November 2026, and are quoted.

```
code lines     lines that a token of code touches: no blanks, comments, docstrings;
               a blank line inside another string counts
tokens         tokens of code as Python 3.11 counts them (an f-string is one)
body           code lines of a function without head and docstring; a function in a
               function counts as its own and in the outer one
header share   lines from the top of a file to the end of its first run of docstring,
               imports, `if TYPE_CHECKING:` and `__all__`, over all physical lines
head of code   code lines of imports, `if TYPE_CHECKING:` and `__all__` at top level,
               over code lines
import depth   files on the longest chain of imports, those inside functions counted,
               typing-only ones not; the files of a circle count as one
circles        strongly connected files, imports inside functions and typing-only
               imports counted
annotated      functions with a type for all parameters but self and cls, and for
               what they return
participles    assignments to a name whose last word is in `PARTICIPLES` or `POINTERS`
```

Beside the table of 22 November (files 248, code 30,918, tokens 263k, functions 2,475,
bodies 6/16/42, header share 14.2 %, depth 30, public names 27, tests 1.02):

- All of these come out the same; so do the lines, heads and depths of dataframely and
  sqlite-utils. Only lines from the top over physical lines give 14.2 % (and 7.9 % and
  1.8 % there); as a share of code it is 12.6 %, the column `head of code`.
- Participles were counted by a list that is lost: `found` 150, `known` 73, `kept` 48,
  together 7 %. This list gives 145, 81 and 50, as the last word of `is_known` counts,
  together 7.3 %. Steps named for what was done (`scaled`, `decoded`) are left out: the
  five libraries have 2 to 4 % of those, and 0.0 to 0.3 % of the words counted here.
"""

from __future__ import annotations

import argparse
import ast
import io
import math
import statistics
import sys
import tokenize
from collections import Counter, deque
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Assignment: TypeAlias = ast.Assign | ast.AnnAssign | ast.AugAssign
Import: TypeAlias = ast.Import | ast.ImportFrom
Graph: TypeAlias = dict[str, set[str]]
Circle: TypeAlias = frozenset[str]

LAYOUT: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
# Left out as words of the field: closed, won and lost deals, a hidden sheet, money
# spent, what is learnt or unknown, a level unseen.
PARTICIPLES: Final = """
    asked begun brought built called caught chosen done drawn felt found given gone got
    grown heard held kept known laid led listed made meant met named needed noted said
    seen sent shown sought spelt stood taken thought told understood used wanted worn
    written
"""
POINTERS: Final = "here there what"
VAGUE: Final = frozenset(f"{PARTICIPLES} {POINTERS}".split())

COLUMNS: Final = {
    "files": "{files:,}",
    "code lines": "{code:,}",
    "tokens": "{tokens:,}",
    "functions": "{functions:,}",
    "body median / p90 / max": "{median:g} / {p90} / {longest}",
    "header share": "{header:.1%}",
    "import depth": "{depth}",
    "public names": "{public}",
    "tests / code": "{tests:.2f}",
    "head of code": "{head:.1%}",
    "annotated": "{annotated:.1%}",
    "circles": "{circles}",
    "participles": "{participles:.1%}",
}
# Measured once, at the versions of November 2026.
LIBRARIES: Final = (
    "| dataframely | 46 | 4,761 | 32k | 420 | 3 / 17 / 111 | 7.9 % | 18 | 41 | 1.49",
    "| splink | 120 | 17,546 | 85k | 1,242 | 4 / 24 / 194 | 6.2 % | 17 | 7 | 0.72",
    "| sqlite-utils | 10 | 8,588 | 48k | 317 | 8 / 48 / 390 | 1.8 % | 6 | 6 | 1.60",
    "| skrub | 75 | 13,712 | 83k | 1,255 | 3 / 21 / 112 | 4.3 % | 12 | 54 | 1.06",
    "| great-tables | 49 | 14,809 | 83k | 701 | 5 / 24 / 542 | 2.8 % | 12 | 17 | 0.85",
)


class Target(NamedTuple):
    """What a measure is to reach: at most a bound, or at least."""

    title: str
    template: str
    key: str
    bound: float
    least: bool = False


TARGETS: Final = (
    Target("code lines", "{:,}", "code", 28_500),
    Target("files", "{:,}", "files", 145),
    Target("header share", "{:.1%}", "header", 0.07),
    Target("head of code", "{:.1%}", "head", 0.07),
    Target("body median", "{:g}", "median", 6),
    Target("body p90", "{:,}", "p90", 20),
    Target("annotated functions", "{:.1%}", "annotated", 1.0, least=True),
    Target("import circles", "{:,}", "circles", 0),
    Target("participles", "{:.1%}", "participles", 0.01),
)


@dataclass(frozen=True)
class Source:
    """One file: its path, the module it is, its text and its tree."""

    path: Path
    module: str
    text: str
    tree: ast.Module

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """The tokens of code."""
        prose = lines(docstrings(self.tree))
        stream = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [t for t in stream if t.type not in LAYOUT and t.start[0] not in prose]

    @cached_property
    def code(self) -> set[int]:
        """The numbers of the code lines."""
        return {n for t in self.tokens for n in range(t.start[0], t.end[0] + 1)}

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        is_package = self.path.name == "__init__.py"
        return self.module if is_package else self.module.rpartition(".")[0]

    @property
    def functions(self) -> list[Function]:
        """All functions, also those in classes and in functions."""
        return [n for n in ast.walk(self.tree) if isinstance(n, Function)]


def sources(root: Path) -> list[Source]:
    """The files of a folder, in order."""
    return [source(path, root) for path in sorted(root.rglob("*.py"))]


def source(path: Path, root: Path) -> Source:
    """A file of a folder."""
    parts = [root.resolve().name, *path.relative_to(root).with_suffix("").parts]
    module = ".".join(parts).removesuffix(".__init__")
    text = path.read_text("utf-8")
    return Source(path, module, text, ast.parse(text))


def share(part: float, whole: float) -> float:
    """A part of a whole; nothing of nothing is 0."""
    return part / whole if whole else 0.0


def lines(nodes: Iterable[ast.stmt]) -> set[int]:
    """The numbers of the lines on which statements stand."""
    ends = ((node.lineno, node.end_lineno or node.lineno) for node in nodes)
    return {number for first, last in ends for number in range(first, last + 1)}


# Docstrings, bodies and heads


def docstring(node: ast.AST) -> list[ast.stmt]:
    """The docstring of a module, class or function: one statement or none."""
    if not isinstance(node, ast.Module | ast.ClassDef | Function):
        return []
    return node.body[: ast.get_docstring(node, clean=False) is not None]


def docstrings(tree: ast.Module) -> Iterator[ast.stmt]:
    """All docstrings of a file."""
    for node in ast.walk(tree):
        yield from docstring(node)


def body(function: Function, code: set[int]) -> int:
    """The code lines of a function's body."""
    return len(lines(function.body[len(docstring(function)) :]) & code)


def p90(lengths: list[int]) -> int:
    """The least length that nine tenths do not exceed."""
    return sorted(lengths)[math.ceil(0.9 * len(lengths)) - 1]


def is_typing(node: ast.AST) -> bool:
    """Whether a block is run by type checkers only."""
    names = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
    return isinstance(node, ast.If) and ast.unparse(node.test) in names


def is_all(node: ast.AST) -> bool:
    """Whether a statement says which names a module hands out."""
    if isinstance(node, ast.Assign):
        return any(ast.unparse(target) == "__all__" for target in node.targets)
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return ast.unparse(node.target) == "__all__"
    return False


def is_head(node: ast.AST) -> bool:
    """Whether a statement belongs to the head of a file."""
    return isinstance(node, Import) or is_typing(node) or is_all(node)


def head_end(tree: ast.Module) -> int:
    """The last line of the head at the top of a file; 0 if it has none."""
    top = docstring(tree)
    return max(lines([*top, *takewhile(is_head, tree.body[len(top) :])]), default=0)


def head_lines(file: Source) -> int:
    """The code lines at top level that only import and hand out."""
    return len(lines(filter(is_head, file.tree.body)) & file.code)


def public_names(file: Source) -> int:
    """How many names `__all__` hands out; 0 without one."""
    nodes = (n for n in file.tree.body if isinstance(n, Assignment) if is_all(n))
    values = [ast.literal_eval(n.value) for n in nodes if n.value]
    return len({name for value in values for name in value})


def is_annotated(function: Function) -> bool:
    """Whether all parameters but self and cls, and the result, have a type."""
    a = function.args
    parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    types = [p.annotation for p in parameters if p and p.arg not in {"self", "cls"}]
    return all([*types, function.returns])


# Imports


def graph(files: list[Source], *, typing: bool) -> Graph:
    """Which module imports which of the same tree; typing-only ones if asked for."""
    modules = {file.module for file in files}
    return {f.module: edges(f, modules, typing=typing) - {f.module} for f in files}


def edges(file: Source, modules: set[str], *, typing: bool) -> set[str]:
    """The modules that a file imports, at top level or inside a function."""
    nodes = set(imports_in(file.tree))
    if not typing:
        nodes -= typing_imports(file.tree)
    names = {name for n in nodes for name in destinations(n, file.package, modules)}
    return names & modules


def imports_in(node: ast.AST) -> Iterator[Import]:
    """The imports below a node."""
    return (n for n in ast.walk(node) if isinstance(n, Import))


def typing_imports(tree: ast.Module) -> set[Import]:
    """The imports that only type checkers run."""
    blocks = (n for n in ast.walk(tree) if isinstance(n, ast.If) if is_typing(n))
    return {n for block in blocks for step in block.body for n in imports_in(step)}


def destinations(node: Import, package: str, modules: set[str]) -> Iterator[str]:
    """What an import asks for: a module, or the package that holds the name."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        yield from names
        return
    home = resolve_name("." * node.level + (node.module or ""), package)
    for name in names:
        yield f"{home}.{name}" if f"{home}.{name}" in modules else home


def reach(imports: Graph, start: str) -> set[str]:
    """The modules that a module imports, at first or at second hand."""
    past: set[str] = set()
    queue = [start]
    while queue:
        news = imports[queue.pop()] - past
        past |= news
        queue += news
    return past


def circle_of(imports: Graph) -> dict[str, Circle]:
    """For each module, itself and all that it imports and is imported by."""
    below = {module: reach(imports, module) for module in imports}
    return {
        module: frozenset({module, *(b for b in below[module] if module in below[b])})
        for module in imports
    }


def chains(imports: Graph) -> dict[Circle, set[Circle]]:
    """The imports between circles; a module that is in none counts as one."""
    homes = circle_of(imports)
    between: dict[Circle, set[Circle]] = {home: set() for home in homes.values()}
    for module, home in homes.items():
        between[home] |= {homes[name] for name in imports[module]} - {home}
    return between


def depth(imports: Graph) -> int:
    """The modules on the longest chain of imports, a circle counted as one."""
    between = chains(imports)
    depths: dict[Circle, int] = {}
    for home in TopologicalSorter(between).static_order():
        depths[home] = 1 + max((depths[below] for below in between[home]), default=0)
    return max(depths.values(), default=0)


def circles(imports: Graph) -> list[list[str]]:
    """The groups of modules that import each other, each in order."""
    groups = set(circle_of(imports).values())
    return sorted(sorted(group) for group in groups if len(group) > 1)


def way_back(imports: Graph, start: str) -> list[str]:
    """The shortest way from a module along imports to itself; empty if none."""
    past: set[str] = set()
    ways = deque([[start]])
    while ways:
        way = ways.popleft()
        if way[-1] == start and len(way) > 1:
            return way
        steps = sorted(imports[way[-1]] - past)
        past.update(steps)
        ways.extend([*way, step] for step in steps)
    return []


def ways_around(imports: Graph, group: list[str]) -> list[list[str]]:
    """The shortest way back of each module of a circle, each way once."""
    ways = {frozenset(way): way for way in (way_back(imports, m) for m in group[::-1])}
    return sorted(ways.values())


# Names


class Place(NamedTuple):
    """Where a name is assigned, and the last word of it."""

    word: str
    path: Path
    line: int
    name: str


def places(files: list[Source]) -> list[Place]:
    """All assignments to a name, `+=` and its like left out."""
    return [
        Place(word(name.id), file.path, name.lineno, name.id)
        for file in files
        for node in ast.walk(file.tree)
        if not isinstance(node, ast.AugAssign)
        for name in ast.iter_child_nodes(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    ]


def word(name: str) -> str:
    """The last word of a name: `known` of `is_known_`."""
    return name.rstrip("_").rpartition("_")[2].lower()


def participles(assignments: list[Place]) -> list[Place]:
    """Those whose last word does not name a thing."""
    return [place for place in assignments if place.word in VAGUE]


# Measures and pages


def measures(root: Path, tests: Path) -> dict[str, float]:
    """All measures of a tree, by the keys that columns and targets use."""
    files = sources(root)
    names = places(files)
    code = sum(len(file.code) for file in files)
    return {
        "files": len(files),
        "code": code,
        "tokens": sum(len(file.tokens) for file in files),
        "tests": share(sum(len(file.code) for file in sources(tests)), code),
        "public": sum(
            public_names(f) for f in files if f.module == root.resolve().name
        ),
        "participles": share(len(participles(names)), len(names)),
        **function_measures(files),
        **head_measures(files, code),
        **import_measures(files),
    }


def function_measures(files: list[Source]) -> dict[str, float]:
    """How many functions there are, how long they are and how many have types."""
    functions = [function for file in files for function in file.functions]
    bodies = [body(f, file.code) for file in files for f in file.functions] or [0]
    return {
        "functions": len(functions),
        "median": statistics.median(bodies),
        "p90": p90(bodies),
        "longest": max(bodies),
        "annotated": share(sum(map(is_annotated, functions)), len(functions)),
    }


def head_measures(files: list[Source], code: int) -> dict[str, float]:
    """How much of a tree is heads of files, of its lines and of its code."""
    height = sum(file.text.count("\n") for file in files)
    return {
        "header": share(sum(head_end(file.tree) for file in files), height),
        "head": share(sum(head_lines(file) for file in files), code),
    }


def import_measures(files: list[Source]) -> dict[str, float]:
    """How deep imports go, and how many circles they make."""
    return {
        "depth": depth(graph(files, typing=False)),
        "circles": len(circles(graph(files, typing=True))),
    }


def row(label: str, values: dict[str, float]) -> str:
    """One row of the table."""
    cells = [template.format(**values) for template in COLUMNS.values()]
    return f"| {' | '.join([label, *cells])} |".replace("%", " %")


def verdict(target: Target, values: dict[str, float]) -> str:
    """One row of what is to be reached: the bound, the measure, met or missed."""
    value = values[target.key]
    success = value >= target.bound if target.least else value <= target.bound
    sign, end = "≥" if target.least else "≤", "met" if success else "missed"
    cells = f"{sign} {target.template} | {target.template}".format(target.bound, value)
    return f"| {target.title} | {cells} | {end} |".replace("%", " %")


def page(label: str, values: dict[str, float]) -> str:
    """The table beside the five libraries, and what is to be reached."""
    gap = " |" * (len(COLUMNS) - LIBRARIES[0].count("|") + 2)
    return "\n".join(
        [
            f"| | {' | '.join(COLUMNS)} |",
            f"|---|{'---:|' * len(COLUMNS)}",
            row(label, values),
            *(f"{library}{gap}" for library in LIBRARIES),
            "",
            "The five libraries: measured once, at the versions of November 2026.",
            "",
            f"| to reach | bound | {label} | |",
            "|---|---:|---:|---|",
            *(verdict(target, values) for target in TARGETS),
        ]
    )


def word_list(files: list[Source], *, each: bool) -> str:
    """Participles, commonest first, with every place if asked for; then the rest."""
    names = places(files)
    bad = participles(names)
    counts = Counter(place.word for place in bad)
    rest = Counter(p.word for p in names if p.word.endswith("ed")) - counts
    text = [f"{len(bad):,} of {len(names):,} assignments"]
    for name, count in counts.most_common():
        text.append(f"{count:5} {name}")
        text += [place_line(p) for p in bad if each and p.word == name]
    others = ", ".join(f"{name} {count}" for name, count in rest.most_common())
    return "\n".join([*text, f"not counted, in -ed: {others or 'none'}"])


def place_line(place: Place) -> str:
    """A place as editors open it."""
    return f"      {place.path.as_posix()}:{place.line} {place.name}"


def circle_list(files: list[Source]) -> str:
    """Each circle as the ways around it, from file to file; empty without circles."""
    paths = {file.module: file.path.as_posix() for file in files}
    imports = graph(files, typing=True)
    text = []
    for group in circles(imports):
        text.append(f"circle of {len(group)} files:")
        for way in ways_around(imports, group):
            text.append("  " + " -> ".join(paths[module] for module in way))
    return "\n".join(text)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure a source tree.")
    parser.add_argument("--root", type=Path, default=Path("icp"), help="the package")
    parser.add_argument("--tests", type=Path, default=Path("tests"), help="its tests")
    parser.add_argument("--label", help="print only the row, with this name")
    parser.add_argument("--heading", help="print the whole page under a heading")
    parser.add_argument("--words", action="store_true", help="list participles")
    parser.add_argument("--places", action="store_true", help="and where they stand")
    parser.add_argument("--circles", action="store_true", help="list import circles")
    choice = parser.parse_args()
    is_list = choice.words or choice.places or choice.circles
    for folder in [choice.root] if is_list else [choice.root, choice.tests]:
        if not any(folder.rglob("*.py")):
            parser.error(f"no Python files in {folder}")
    return choice


def answer(choice: argparse.Namespace) -> str:
    """The page, the row or the list that is asked for."""
    if choice.words or choice.places:
        return word_list(sources(choice.root), each=choice.places)
    values = measures(choice.root, choice.tests)
    label = choice.label or choice.root.resolve().name
    if choice.heading:
        return f"## {choice.heading}\n\n{page(label, values)}"
    return row(label, values) if choice.label else page(label, values)


def main() -> None:
    """Print what is asked for; circles that are there end with status 1."""
    choice = options()
    if not choice.circles:
        print(answer(choice))
        return
    text = circle_list(sources(choice.root))
    print(text or "no import circles")
    sys.exit(1 if text else 0)


if __name__ == "__main__":
    main()
