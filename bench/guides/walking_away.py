"""Walk through one demo prospect per verdict; writes the figures of the guide.

    python -m bench.guides.walking_away            # compares two pages with the code
    python -m bench.guides.walking_away --write    # brings them up to date

The pages are the guide and the README.

Each block of a page after `<!-- walk: NAME -->` is what the command line says on the
demo's workspace, as `icp demo` makes it.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.cli.deals import verdict_lines
from icp.cli.screen import score_line
from icp.demo import write_demo
from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.workflow import Workspace

README: Final = Path(__file__).parents[2] / "README.md"
PAGE: Final = README.parent / "docs" / "walking-away.md"
#: The day of the walk: the demo's exports are of the same day.
TODAY: Final = datetime(2026, 3, 31, 9, tzinfo=UTC)
_PROSPECTS: Final = 5_000
_BLOCK: Final = r"(<!-- walk: {} -->\n\n```text\n)(.*?)(```)"
_WIDTH: Final = 88


def walked(folder: Path, /, *, prospects: int = _PROSPECTS) -> dict[str, str]:
    """What the command line says, by verdict and for the lists."""
    write_demo(folder, prospects=prospects)
    with open_workspace(folder, actor="you", clock=lambda: TODAY) as space:
        space.imports.run()
        space.labels.label()
        space.profiles.activate(space.profiles.learn().version)
        space.scores.run(verdicts=True)
        return dict(_told(space))


def _told(space: Workspace) -> Iterator[tuple[str, str]]:
    scored = space.scores.scored().collect()
    counts = dict(scored.group_by("verdict").len().iter_rows())
    order = sorted(counts, key=lambda verdict: -counts[verdict])
    yield (
        "counts",
        "".join(f"{v.replace('_', ' '):14} {counts[v]:>6,}\n" for v in order),
    )
    for verdict in ("pursue", "ask", "second_option", "walk_away", "not_evaluable"):
        yield verdict, _checked(space, _first(scored, verdict))
    yield "readme", _checked(space, _first_far(scored), reasons=True)
    spare = (
        scored.filter(pl.col("verdict") == "pursue", pl.col("loss_reason").is_null())
        .sort("expected_value", "account_id", descending=[True, False])
        .get_column("account_id")
    )
    space.deals.answer(
        spare[1], "reason:no_authority", value=True, evidence="head of IT"
    )
    yield "redirect", _checked(space, spare[1])
    space.deals.answer(
        spare[2], "reason:no_budget", value=True, evidence="CFO, by phone"
    )
    yield "not_now", _checked(space, spare[2])
    yield "ladder", _ladder(space, spare[3])


def _first(scored: pl.DataFrame, verdict: str) -> str:
    """The first prospect of a verdict: with a known reason where one decides."""
    found = scored.filter(pl.col("verdict") == verdict)
    if verdict == "second_option":
        found = found.filter(pl.col("fit") > 60)
    if verdict == "walk_away":
        found = found.filter(
            pl.col("verdict_reasons").list.first() == "outside_profile"
        )
    return str(found["account_id"][0])


def _first_far(scored: pl.DataFrame) -> str:
    """The first prospect that is surely like the regrettable customers."""
    return _first(scored.filter(pl.col("grade") == "D"), "walk_away")


def _checked(space: Workspace, account: str, *, reasons: bool = False) -> str:
    judged = space.verdicts.judge(account)
    sentences = judged.explanation.sentences() if reasons else ()
    lines = [
        f"$ icp check {account}",
        score_line(judged.explanation.score),
        *(f"  {sentence}" for sentence in sentences),
        "...",
        *verdict_lines(judged.verdict, currency="EUR", left=judged.left),
    ]
    return "".join(f"{line}\n" for one in lines for line in _wrapped(one))


def _ladder(space: Workspace, account: str) -> str:
    code, said = "no_value_seen", []
    space.deals.answer(account, f"reason:{code}", value=True, evidence="sees no gain")
    for _ in range(3):
        found = space.verdicts.judge(account).verdict
        step = found.step
        if step is None:
            break
        said.append(f"{found.title}: {step.play}\n")
        space.deals.attempt(account, code, step.play)
    return "".join(said)


def _wrapped(line: str) -> Iterator[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    while len(line) > _WIDTH:
        cut = line.rfind(" ", 0, _WIDTH)
        if cut <= len(indent):
            break
        yield line[:cut]
        line = indent + line[cut + 1 :]
    yield line


def page_with(page: str, blocks: dict[str, str], /) -> str:
    """The page with its blocks as they are said now."""
    for name, text in blocks.items():
        pattern = re.compile(_BLOCK.format(name), re.DOTALL)
        page = pattern.sub(lambda m, text=text: m[1] + text + m[3], page)
    return page


def main() -> None:
    """Compare the pages, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        blocks = walked(Path(folder) / "demo")
    for page in (PAGE, README):
        old = page.read_text(encoding="utf-8")
        new = page_with(old, blocks)
        if options.write:
            page.write_text(new, encoding="utf-8")
        elif new != old:
            sys.exit(f"{page.name} is older than the code; run it with --write")


if __name__ == "__main__":
    main()
