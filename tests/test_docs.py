import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from icp.cli import app
from icp.config import parse_config

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "data" / "README.md",
    ]
)
COMMAND_LINE = ROOT / "docs" / "command-line.md"
ABROAD = (
    # Package registries and their mirrors; put together so as not to be found here.
    "pypi" + ".org",
    "python" + "hosted",
    "npmjs" + ".org",
    "/opt/" + "pypi",
    # Folders that exist on one machine only.
    "/work" + "/main",
    "/work" + "/shared",
    "/root" + "/",
    "/tmp" + "/v/",
)
# What a page's reader has at hand: labelled demo customers.
PRELUDE = """
from icp.demo import draw_demo
from icp.outcomes import OutcomePolicy, Thresholds, Worth
accounts = draw_demo(customers=60, prospects=5)[0].customers.drop("outcome")
accounts = accounts.rename({"worth": "brought"})
policy = OutcomePolicy(
    worth=Worth(value="brought"),
    thresholds=Thresholds(best_from=8000, regrettable_below=0),
)
"""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Python, and the text that follows it: what it prints.
EXAMPLE = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def short(path):
    return path.relative_to(ROOT).as_posix()


def blocks(language, documents=DOCUMENTS):
    return [
        pytest.param(body, id=f"{short(path)}-{number}")
        for path in documents
        for number, (kind, body) in enumerate(BLOCK.findall(path.read_text("utf-8")))
        if kind == language
    ]


def examples():
    return [
        pytest.param(body, printed, id=f"{short(path)}-{number}")
        for path in DOCUMENTS
        for number, (body, printed) in enumerate(
            EXAMPLE.findall(path.read_text("utf-8"))
        )
    ]


def command_paths(command, path=()):
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, (*path, name))
    if path and not getattr(command, "commands", {}):
        yield " ".join(path)


def targets():
    text = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


COMMANDS = sorted(command_paths(get_command(app)))


@pytest.mark.parametrize("body", blocks("sh"))
def test_commands_in_the_documents_exist(body):
    lines = re.sub(r"\\\n\s*", " ", body).splitlines()
    for line in lines:
        words = line.split("#")[0].split()
        if not words:
            continue
        program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "make":
            assert {w for w in rest if "=" not in w} <= targets(), line
        elif program == "icp":
            named = " ".join(w for w in rest[:2] if re.fullmatch(r"[a-z]+", w))
            assert any(named == c or named.startswith(f"{c} ") for c in COMMANDS), line
        else:
            assert program in {"python", "python3", "cd", "uv", "streamlit"}, line


@pytest.mark.parametrize("body", blocks("sh"))
def test_options_in_the_documents_exist(body):
    for line in re.sub(r"\\\n\s*", " ", body).splitlines():
        words = line.removeprefix(".venv/bin/").split()
        if words[:1] != ["icp"]:
            continue
        command = get_command(app)
        while words[1:] and words[1] in getattr(command, "commands", {}):
            command = command.commands[words.pop(1)]
        known = {name for p in command.params for name in p.opts} | {"--help"}
        given = {w.split("=")[0] for w in words if re.match(r"--?[a-z]", w)}
        assert given <= known, line


@pytest.mark.slow
@pytest.mark.parametrize(("body", "printed"), examples())
def test_python_in_the_documents_runs_and_prints_what_they_say(tmp_path, body, printed):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + body],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if printed:
        assert done.stdout == printed


def test_the_readmes_points_add_up():
    _, printed = EXAMPLE.findall((ROOT / "README.md").read_text("utf-8"))[0]
    fit, *points, margin = printed.splitlines()
    assert re.fullmatch(r"fit \d+\.\d, grade [A-D]", fit)
    assert margin.endswith("margin")
    assert sum(int(line.split()[0]) for line in points) == int(margin.split()[0])


@pytest.mark.parametrize(
    "path", [p for p in DOCUMENTS if "```toml" in p.read_text("utf-8")], ids=short
)
def test_toml_in_the_documents_is_understood(path):
    # The blocks of a page are parts of one file, as far as they say different things.
    bodies = [b for kind, b in BLOCK.findall(path.read_text("utf-8")) if kind == "toml"]
    text = "\n".join(bodies)
    sources = set(re.findall(r'^(?:base|source) = "(\w+)"', text, re.MULTILINE))
    declared = [f'[[sources]]\nname = "{s}"\npath = "{s}.csv"' for s in sorted(sources)]
    assert parse_config("\n".join([text, *declared]))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command):
    assert f"icp {command}" in COMMAND_LINE.read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    found = get_command(app)
    for name in command.split():
        found = found.commands[name]
    assert "Example:" in (found.help or "")


def test_every_page_is_documented():
    routes = (ROOT / "icp" / "dashboard" / "routes.py").read_text("utf-8")
    titles = re.findall(r'title="([^"]+)"', routes)
    text = "".join(path.read_text("utf-8") for path in GUIDES)
    assert len(titles) >= 6
    assert [title for title in titles if f"*{title}*" not in text] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_links_lead_somewhere(path):
    targets = [
        target.split("#")[0]
        for target in LINK.findall(path.read_text("utf-8"))
        if "://" not in target
    ]
    assert [t for t in targets if t and not (path.parent / t).exists()] == []


def test_every_guide_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    assert [
        p.name for p in GUIDES if f"({p.name})" not in index and p.name != "README.md"
    ] == []


def test_readme_installs_as_the_makefile_does():
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$(BIN)", ".venv/bin")
    readme = (ROOT / "README.md").read_text("utf-8")
    installs = [line for line in readme.splitlines() if "-m pip install" in line]
    assert len(installs) == 2
    assert [line for line in installs if line not in makefile] == []
    assert all("-c constraints.txt" in line for line in installs)


def test_readme_says_how_long_things_take():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "MEASURE" not in readme
    assert re.search(r"`make demo` \| .*\d", readme)
    assert re.search(r"`make test` \| .*\d", readme)


def test_nothing_says_to_install_the_strangers_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "ideal-customer-profile"
    # A name and its extra, and the word after "install"; a decision tells of the case.
    stranger = re.compile(r"""(?<![\w-])icp\[\w|install\s+['"]?icp\b""")
    paths = [*DOCUMENTS, *(ROOT / "icp").rglob("*.py"), ROOT / "Makefile"]
    assert [
        short(path) for path in paths if stranger.search(path.read_text("utf-8"))
    ] == ["docs/decisions/016-distribution-name.md"]


def test_constraints_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pin = re.compile(r"[a-z0-9-]+==[\w.]+( ; [\w. '<>=!]+)?")
    assert len(lines) > 50
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_constraints_cover_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    pinned = {
        line.split("==")[0]
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    }
    assert {re.split(r"[^\w-]", name)[0].lower() for name in asked} <= pinned


def test_changelog_knows_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"## {version['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_licence_is_whole():
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_no_file_names_a_registry_or_a_machine():
    found = [
        f"{short(path)}: {mark}"
        for path in tracked()
        if path.is_file()
        for mark in ABROAD
        if mark.encode() in path.read_bytes()
    ]
    assert found == []


def test_the_walks_through_the_code_lead_to_functions_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    steps = re.findall(r"`(icp/[\w/]+\.\w+)`(?: `(\w+)`)?", page)
    assert len(steps) > 20
    for path, name in steps:
        assert (ROOT / path).is_file(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8"), path
