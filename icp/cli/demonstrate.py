"""The whole way on made-up data: import, label, learn, activate, score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icp.cli.data import import_lines
from icp.cli.words import profile_lines, run_lines
from icp.demo import write_demo
from icp.errors import ConfigError
from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from icp.outcomes import LabelPreview
    from icp.profile import Profile
    from icp.store.records import ProfileRecord, ScoreRun
    from icp.workflow import ImportSummary

__all__ = ["Found", "demonstrate"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of each step."""

    folder: Path
    imported: ImportSummary
    labels: LabelPreview
    record: ProfileRecord
    profile: Profile
    run: ScoreRun

    def lines(self) -> Iterator[str]:
        """All of it in plain words."""
        yield f"Made up a software vendor's exports in {self.folder}/sources."
        yield "\nImported:"
        yield from (f"  {line}" for line in import_lines(self.imported))
        yield "\nOutcomes:"
        yield from (f"  {line}" for line in self.labels.sentences())
        yield "\nLearnt and put in force:"
        yield from (f"  {line}" for line in profile_lines(self.record, self.profile))
        yield "\nScored:"
        yield from (f"  {line}" for line in run_lines(self.run))

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "folder": self.folder,
            "customers": self.imported.customers,
            "prospects": self.imported.prospects,
            "outcomes": self.labels.counts,
            "profile": self.record,
            "run": self.run,
        }


def demonstrate(
    folder: Path,
    /,
    *,
    rows: int,
    seed: int,
    progress: Callable[[float, str], None],
) -> Found:
    """Write the demo's exports and do everything once; doing it again is safe."""
    if (folder / "icp.toml").exists() and not (folder / "truth.json").exists():
        message = f"{folder.name!r} holds another workspace; give an empty folder"
        raise ConfigError(message)
    progress(0.0, "making up exports")
    write_demo(folder, seed=seed, prospects=rows)
    with open_workspace(folder) as workspace:
        imported = workspace.import_sources(progress=_part(progress, 0.1, 0.4))
        progress(0.4, "giving outcomes")
        labels = workspace.label()
        learnt = workspace.learn(progress=_part(progress, 0.45, 0.85))
        record = workspace.activate(learnt.version, reason="the demo's first profile")
        run = workspace.score(progress=_part(progress, 0.85, 1.0))
        profile = workspace.profile(record.version)
    return Found(
        folder=folder,
        imported=imported,
        labels=labels,
        record=record,
        profile=profile,
        run=run,
    )


def _part(
    progress: Callable[[float, str], None], start: float, end: float
) -> Callable[[float, str], None]:
    return lambda done, message: progress(start + (end - start) * done, message)
