"""What a person, or another program, gets to see.

Results go to stdout, everything else (questions, progress, notes) to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icp.errors import CancelledError, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from polars import DataFrame

    from icp.ingest.mapping_rules import ColumnMapping
    from icp.profile import Profile, Segment
    from icp.scoring import Contribution, Score
    from icp.store.records import ProfileRecord, ScoreRun
    from icp.workflow import Workspace, WorkspaceStatus


_WIDTH: Final = 100
#: How many attributes a profile's summary names.
_ATTRIBUTES: Final = 8
#: What `mapping_rows` gives.
MAPPING: Final = ("column", "becomes", "known", "kind", "why")
#: When a column is known, shorter than the role's own name.
_MOMENTS: Final = {
    "known_at_first_contact": "first contact",
    "known_at_qualification": "qualification",
    "after_sale": "after sale",
}
#: A rule less sure than this is a guess that a person should look at.
_SURE: Final = 0.65
#: Refusals that a person can answer for; the others have nothing to learn from.
_USELESS: Final = {"empty", "identifier", "constant", "rare", "copy"}
_PLAIN_REASON: Final = re.compile(r"^the header '.*' means \w+(: )?")
_UNKNOWN_NAME: Final = "its name is not in the dictionary; say when it is known"

WorkspaceFolder = Annotated[
    Path,
    typer.Option(
        "--workspace",
        "-w",
        envvar="ICP_WORKSPACE",
        help="Folder of the workspace.",
    ),
]
JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON.", show_default=False)
]
YesFlag = Annotated[
    bool, typer.Option("--yes", "-y", help="Answer yes to every question.")
]
ProfileRef = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Profile: 3, v3 or the start of its id. Default: in force.",
    ),
]
ReasonText = Annotated[
    str, typer.Option("--reason", help="Reason, kept in the event log.")
]


def open_space(folder: Path, /) -> Workspace:
    """Open the workspace; imported late, because it takes time that --help need not."""
    from icp.workflow import open_workspace

    return open_workspace(folder)


def add_group(
    app: typer.Typer,
    name: str,
    help: str,
    commands: Mapping[str, Callable[..., None]],
    /,
) -> None:
    """Register commands as `icp NAME COMMAND`."""
    group = typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None)
    for word, command in commands.items():
        group.command(word)(command)
    app.add_typer(group, name=name)


def say(text: str = "", /) -> None:
    """Print a line of the result."""
    typer.echo(_harmless(text))


def note(text: str, /) -> None:
    """Print a line that is not part of the result."""
    typer.echo(_harmless(text), err=True)


def say_next(steps: tuple[str, ...], /) -> None:
    """Print what to do next."""
    say()
    say("Next:")
    for step in steps[:3]:
        say(f"  {step}")


def emit(document: object, /) -> None:
    """Print the result as JSON; in ASCII where the terminal cannot print it."""
    unicode = (sys.stdout.encoding or "").lower() in {"utf-8", "utf8"}
    typer.echo(json.dumps(plain(document), indent=1, ensure_ascii=not unicode))


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], /, *, err: bool = False
) -> None:
    """Print a table; as wide as the terminal, elsewhere 100 characters."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else _WIDTH
    console = Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False
    )
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        grid.add_column(header, overflow="fold")
    for row in rows:
        grid.add_row(*(_harmless(_text(value)) for value in row))
    console.print(grid)


def show_frame(frame: DataFrame, /) -> None:
    """Print a frame as a table."""
    table([name.replace("_", " ") for name in frame.columns], frame.rows())


def ask(question: str, /, *, yes: bool) -> None:
    """Go on if a person agrees; raises CancelledError otherwise."""
    if yes:
        return
    typer.echo(f"{_harmless(question)} [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        message = "the question needs an answer; use --yes to agree"
        raise CancelledError(message)
    if answer.strip().lower() not in {"y", "yes"}:
        message = "stopped; nothing was changed"
        raise CancelledError(message)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show how far long work is, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, message: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    console = Console(stderr=True, markup=False)
    with Progress(
        text, BarColumn(), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda done, message: bar.update(
            task, completed=done, description=_harmless(message)
        )


def plain(value: object, /) -> Any:
    """A value as JSON can say it: frames as rows, times as ISO text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON knows no NaN or infinity
    return _of_library(value)


def _of_library(value: object) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "to_dicts"):
        return plain(value.to_dicts())
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if type(value) is int else str(value)


def _harmless(text: str) -> str:
    """Without control characters, which could drive the terminal."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or c == "\u00a0")


def mapping_rows(mapping: ColumnMapping, /) -> Iterator[tuple[str, ...]]:
    """What each column means; a guess carries a question mark."""
    for rule in mapping.columns:
        moment = _MOMENTS.get(rule.role.value, rule.role.value)
        sure = rule.confirmed or rule.score >= _SURE
        why = _PLAIN_REASON.sub("", rule.reason).removeprefix("; ")
        why = why.replace(_UNKNOWN_NAME, "a guess: unknown name") or "known name"
        yield (
            rule.source,
            rule.name,
            moment if sure else f"{moment}?",
            rule.kind.value,
            why,
        )


def profile_lines(record: ProfileRecord, document: Profile, /) -> Iterator[str]:
    """A profile in words: its evidence, segments, attributes and excluded columns."""
    origin, evidence = document.provenance, document.provenance.evidence
    yield (
        f"Profile {record.version} ({record.short_id}), learned from "
        f"{origin.best:,} best and {origin.regrettable:,} regrettable customers"
    )
    yield _evidence(evidence.level, evidence.auc, evidence.auc_low, evidence.auc_high)
    if origin.capacity:
        yield origin.capacity.in_words()
    for segment in document.segments:
        yield _segment(segment)
    tables = sorted(document.tables, key=lambda t: (-t.information, t.name))
    titles = [t.title or t.name for t in tables if t.information][:_ATTRIBUTES]
    if titles:
        yield f"Most important attributes: {', '.join(titles)}"
    for finding in origin.findings:
        verb = "Excluded" if finding.excluded else "Check"
        message = finding.message.removeprefix(f"{finding.column}: ")
        yield f"{verb} {finding.column}: {message}"
    leaks = [f for f in origin.findings if f.excluded and f.code not in _USELESS]
    if leaks:
        yield (
            "If you are sure that one of these is known before the sale: "
            f'icp learn --accept {leaks[0].column} --reason "..."'
        )
    yield from origin.notes


def status_lines(state: WorkspaceStatus, /) -> Iterator[str]:
    """Where a workspace stands."""
    yield f"Workspace {state.name!r}; {state.actor} is {state.role}"
    names = ", ".join(f"{s.name} ({s.object})" for s in state.sources)
    yield f"Sources: {names or 'none yet'}"
    last = state.last_import
    if last:
        yield (
            f"Import {last.number} of {last.created_at:%Y-%m-%d}: "
            f"{some(last.customers, 'customer')}, {some(last.prospects, 'prospect')}, "
            f"{some(last.quarantined, 'row')} quarantined"
        )
    if state.labels:
        counts = ", ".join(f"{n:,} {outcome}" for outcome, n in state.labels.items())
        yield f"Outcomes: {counts}"
    if state.profiles:
        force = state.active.version if state.active else "none"
        yield f"Profiles: {state.profiles}, in force: {force}"
    run = state.last_run
    if run:
        yield f"Latest scores: {some(run.rows, 'prospect')} with profile v{run.profile}"


def run_lines(run: ScoreRun, /) -> Iterator[str]:
    """How a list was graded."""
    yield (
        f"{some(run.rows, 'prospect')} with profile v{run.profile}: "
        f"{run.evaluable:,} scored, {run.rows - run.evaluable:,} cannot be scored "
        "(too little is known, or unlike any customer)"
    )
    for grade, rows in sorted(run.grades.items()):
        yield f"  {grade}: {rows:,}"


def score_line(score: Score, /) -> str:
    """Fit, grade and interval in one sentence."""
    if score.fit is None:
        return f"Cannot be scored: {score.why_not}"
    fit = f"Fit {score.fit:.1f} of 100, grade {score.grade}"
    if score.p_best is None or score.p_low is None or score.p_high is None:
        return fit
    return (
        f"{fit}; among companies like those you closed {score.p_best:.0%} are best "
        f"({score.p_low:.0%} to {score.p_high:.0%})"
    )


def contribution_row(part: Contribution, /) -> tuple[object, ...]:
    """An attribute, the account's value, its points, and why."""
    return (part.title or part.name, part.value, f"{part.points:+,}", part.text)


def _evidence(level: str, auc: float, low: float, high: float) -> str:
    if level == "none":
        return "No attribute separates best from regrettable; nothing can be scored"
    return (
        f"Evidence: {level}; given one best and one regrettable customer, it tells "
        f"which is which in {auc:.0%} of cases ({low:.0%} to {high:.0%})"
    )


def _segment(segment: Segment) -> str:
    traits = "; ".join(segment.traits) or "no trait stands out"
    kind = "Best" if segment.kind == "best" else "Regrettable"
    return f"{kind} segment {segment.name} ({some(segment.size, 'customer')}): {traits}"
