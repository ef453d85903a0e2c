"""The workspace as a whole: init, status, demo, dashboard, doctor."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icp.cli.data import import_lines
from icp.cli.screen import (
    JsonFlag,
    WorkspaceFolder,
    emit,
    note,
    open_space,
    profile_lines,
    progress,
    run_lines,
    say,
    say_next,
    status_lines,
    table,
)
from icp.errors import ConfigError, GateError, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from icp.outcomes import LabelPreview
    from icp.profile import Profile
    from icp.store.records import ProfileRecord, ScoreRun
    from icp.workflow import ImportSummary


_STATES: Final = {"ok": "ok", "warning": "check", "failed": "FAILED"}


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    for command in (init, status, demo, dashboard, doctor):
        app.command()(command)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder; created if needed.")] = Path(),
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Name. Default: the folder's name.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Create a workspace in a folder.

    Writes an icp.toml with comments, and creates a place for the data.

    Example: icp init my-customers
    """
    from icp.workflow import create_workspace

    with create_workspace(folder, name=name) as workspace:
        state = workspace.status()
    if json:
        emit({"name": state.name, "path": state.path, "next_steps": state.next_steps})
        return
    say(f"Created workspace {state.name!r} in {folder}.")
    say_next(state.next_steps)


def status(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """Show the state of a workspace and what to do next.

    Example: icp status
    """
    with open_space(workspace) as space:
        state = space.status()
    if json:
        emit(state)
        return
    for line in status_lines(state):
        say(line)
    say_next(state.next_steps)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder; created if needed.")] = Path(
        "icp-demo"
    ),
    *,
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Number of prospects to generate.")
    ] = 5000,
    seed: Annotated[
        int,
        typer.Option("--seed", help="Random seed; another one gives another company."),
    ] = 7,
    json: JsonFlag = False,
) -> None:
    """Run every step on generated demo data.

    Generates exports of a software vendor, imports them, labels the customers, learns a
    profile, puts it in force and scores the prospects.

    Example: icp demo my-demo --rows 20000
    """
    with progress(quiet=json) as report:
        result = run_demo(folder, rows=rows, seed=seed, progress=report)
    if json:
        emit(result.document())
        return
    for line in result.lines():
        say(line)
    say()
    say("See it in the browser:")
    say(f"  icp dashboard -w {folder}")


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """The result of each step."""

    folder: Path
    summary: ImportSummary
    labels: LabelPreview
    record: ProfileRecord
    profile: Profile
    run: ScoreRun

    def lines(self) -> Iterator[str]:
        """All of it in plain words."""
        yield f"Generated demo exports of a software vendor in {self.folder}/sources."
        yield "\nImported:"
        yield from (f"  {line}" for line in import_lines(self.summary))
        yield "\nOutcomes:"
        yield from (f"  {line}" for line in self.labels.sentences())
        yield "\nLearned and put in force:"
        yield from (f"  {line}" for line in profile_lines(self.record, self.profile))
        yield "\nScored:"
        yield from (f"  {line}" for line in run_lines(self.run))

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "folder": self.folder,
            "customers": self.summary.customers,
            "prospects": self.summary.prospects,
            "outcomes": self.labels.counts,
            "profile": self.record,
            "run": self.run,
        }


def run_demo(
    folder: Path,
    /,
    *,
    rows: int,
    seed: int,
    progress: Callable[[float, str], None],
) -> DemoResult:
    """Write the demo's exports and do everything once; doing it again is safe."""
    if (folder / "icp.toml").exists() and not (folder / "truth.json").exists():
        message = f"{folder.name!r} holds another workspace; choose an empty folder"
        raise ConfigError(message)
    progress(0.0, "generating exports")
    from icp.demo import write_demo
    from icp.workflow import open_workspace
    from icp.workflow.access import part_of

    write_demo(folder, seed=seed, prospects=rows)
    with open_workspace(folder) as workspace:
        summary = workspace.imports.run(progress=part_of(progress, 0.1, 0.4))
        progress(0.4, "labelling customers")
        labels = workspace.labels.label()
        record = workspace.profiles.learn(progress=part_of(progress, 0.45, 0.85))
        record = workspace.profiles.activate(
            record.version, reason="the demo's first profile"
        )
        run = workspace.scores.run(progress=part_of(progress, 0.85, 1.0))
        profile = workspace.profiles.get(record.version)
    return DemoResult(
        folder=folder,
        summary=summary,
        labels=labels,
        record=record,
        profile=profile,
        run=run,
    )


def dashboard(
    *,
    workspace: WorkspaceFolder = Path(),
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port on this computer.")
    ] = 8501,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Open the dashboard in the browser.

    It can be reached from this computer only. With --json its address is printed
    before it starts.

    Example: icp dashboard --port 8600 --no-browser
    """
    folder = workspace.absolute()
    if not (folder / "icp.toml").is_file():
        message = f"no workspace in {folder.name!r}: it has no icp.toml; run icp init"
        raise ConfigError(message)
    address = f"http://127.0.0.1:{port}"
    if json:
        emit({"address": address})
    else:
        note(f"The dashboard will be at {address}; stop it with Ctrl-C.")
    sys.stdout.flush()
    os.execv(sys.executable, _streamlit(folder, port, headless=no_browser))


def doctor(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """Check a workspace for damage.

    Checks the database, event log, stored tables, profiles, sources and libraries. Ends
    with exit code 5 if a check fails.

    Example: icp doctor -w my-customers
    """
    with open_space(workspace) as space:
        checks = space.doctor()
    if json:
        emit(checks)
    else:
        table(
            ("", "check", "result"),
            [
                (
                    _STATES[c.state],
                    c.name,
                    "; ".join(filter(None, (c.message, c.action))),
                )
                for c in checks
            ],
        )
    failed = sum(check.state == "failed" for check in checks)
    if failed:
        message = (
            f"{failed} of {some(len(checks), 'check')} failed; see what to do above"
        )
        raise GateError(message)


def _streamlit(folder: Path, port: int, *, headless: bool) -> list[str]:
    import icp

    script = Path(icp.__file__).parent / "dashboard" / "app.py"
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "browser.gatherUsageStats": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    return [*command, "--", str(folder)]
