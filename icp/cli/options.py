"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from icp.workflow import Workspace

__all__ = ["JsonFlag", "ProfileRef", "Reason", "WorkspaceFolder", "YesFlag", "opened"]

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
    bool, typer.Option("--yes", "-y", help="Agree beforehand to what is asked.")
]
ProfileRef = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Profile: 3, v3 or the start of its id; the one in force if left out.",
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


def opened(folder: Path, /) -> Workspace:
    """Open the workspace; imported late, because it takes time that --help need not."""
    from icp.workflow import open_workspace

    return open_workspace(folder)
