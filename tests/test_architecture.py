import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for p in (ROOT / "icp").rglob("*.py") if "migrations" not in p.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MOST_LINES = 720
MOST_BODY_LINES = 45
VAGUE = {"utils", "util", "misc", "common", "helpers", "helper", "manager", "tools"}
HEAVY = ("streamlit", "plotly", "sqlalchemy", "pyspark", "lightgbm", "alembic")
HOMES = {
    "streamlit": ("icp/dashboard/",),
    "plotly": ("icp/charts/", "icp/report", "icp/dashboard/"),
    "sqlalchemy": ("icp/store/", "icp/ingest/readers/", "icp/database_url.py"),
    "alembic": ("icp/store/",),
    "pyspark": ("icp/scoring/spark.py",),
}
SILENCED = re.compile(
    r"# (?:type: ignore(?:\[[\w, -]+\])?|noqa(?:: *[A-Z]+\d+(?:, *[A-Z]+\d+)*)?)"
    r"(?P<reason>.*)"
)


AT_THE_ROOT = {
    *(".ci", ".gitattributes", ".gitignore", ".streamlit", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "app.py", "bench"),
    *("constraints.txt", "data", "docs", "icp", "pyproject.toml", "tests"),
}


def short(path):
    return path.relative_to(ROOT).as_posix()


def tree(path):
    return ast.parse(path.read_text("utf-8"))


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def functions(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function):
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_imports_point_downward():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_has_its_layer():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = contracts["tool"]["importlinter"]["contracts"]
    layers = {
        name for layer in contract["layers"] for name in re.findall(r"\w+", layer)
    }
    modules = {path.relative_to(ROOT / "icp").parts[0] for path in SOURCES}
    assert layers == {name.removesuffix(".py") for name in modules} - {"__init__"}


def test_the_root_holds_what_belongs_there():
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    assert {name.split("/")[0] for name in listing.stdout.splitlines()} == AT_THE_ROOT


def test_import_icp_is_light():
    code = f"import sys, icp; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("library", HOMES)
def test_library_is_used_only_at_home(library):
    strangers = [
        short(path)
        for path in SOURCES
        if not short(path).startswith(HOMES[library])
        for node in ast.walk(tree(path))
        for name in imported(node)
        if name.split(".")[0] == library
    ]
    assert strangers == []


def test_nothing_in_a_document_is_ever_executed():
    found = [
        f"{short(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if {name.split(".")[0] for name in imported(node)}
        & {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"eval", "exec", "__import__"}
        )
    ]
    assert found == []


@pytest.mark.parametrize("paths", [SOURCES, TESTS], ids=["icp", "tests"])
def test_module_names_say_what_is_inside(paths):
    assert [short(p) for p in paths if {p.stem, p.parent.name} & VAGUE] == []


def test_files_are_short():
    lengths = {short(p): len(p.read_text("utf-8").splitlines()) for p in SOURCES}
    assert {p: n for p, n in lengths.items() if n > MOST_LINES} == {}


def test_functions_are_short():
    lengths = {
        f"{short(path)}:{function.name}": body_lines(function)
        for path in SOURCES
        for function in functions(path)
    }
    assert {name: n for name, n in lengths.items() if n > MOST_BODY_LINES} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 8


@pytest.mark.parametrize("paths", [SOURCES, TESTS], ids=["icp", "tests"])
def test_nothing_is_left_undone(paths):
    # Put together here, so that this file does not find itself.
    marks = [
        "TO" + "DO",
        "FIX" + "ME",
        "raise NotImplemented" + "Error",
        "TO BE " + "WRITTEN",
    ]
    found = [
        f"{short(path)}: {mark}"
        for path in paths
        for mark in marks
        if mark in path.read_text("utf-8")
    ]
    assert found == []


def test_silenced_checks_say_why():
    found = [
        f"{short(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if silenced_without_reason(line)
    ]
    assert found == []


def silenced_without_reason(line):
    found = SILENCED.search(line)
    return found is not None and not found["reason"].strip(" #-")


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("x = 1  # no" + "qa: E501", True),
        ("x = 1  # no" + "qa: E501 - a table reads better", False),
        ("x = 1  # type: " + "ignore[arg-type]", True),
        ("x = 1  # type: " + "ignore[arg-type]  # raises itself", False),
        ("x = 1", False),
    ],
)
def test_a_reason_is_recognised(line, bare):
    assert silenced_without_reason(line) is bare


def test_only_packages_declare_their_names():
    declaring = [short(path) for path in SOURCES if "__all__" in assigned(path)]
    assert [p for p in declaring if not p.endswith("/__init__.py")] == []


def assigned(path):
    return {
        target.id
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_no_use_case_only_forwards_to_another():
    found = [
        f"{short(path)}:{function.name}"
        for path in SOURCES
        if path.parent.name == "workflow"
        for function in functions(path)
        if forwards(function)
    ]
    assert found == []


def forwards(function):
    """Whether it only hands its arguments on to another use case of its name."""
    last = function.body[-1]
    call = getattr(last, "value", None)
    steps = [s for s in function.body if not isinstance(s, ast.Expr | ast.ImportFrom)]
    if not isinstance(call, ast.Call) or steps not in ([], [last]):
        return False
    owner, _, name = ast.unparse(call.func).rpartition(".")
    if name != function.name or owner.startswith("self._session.store"):
        return False
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return not any(isinstance(part, ast.Call) for v in values for part in ast.walk(v))


@pytest.mark.parametrize(
    ("body", "is_forward"),
    [
        ("return labels.keep(self._context, policy)", True),
        ("labels.keep(self._context, policy)", True),
        ("return self._session.store.deals.keep(policy)", False),
        ("return self.look(policy)", False),
        ("return keep(self._accounts.table(), policy)", False),
        ("policy = self.policy(policy)\n    return keep(policy)", False),
    ],
)
def test_a_forward_is_recognised(body, is_forward):
    text = f'def keep(self, policy):\n    """Keep it."""\n    {body}'
    assert forwards(ast.parse(text).body[0]) is is_forward
