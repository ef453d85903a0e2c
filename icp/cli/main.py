"""All commands in one tree, and how errors end a command."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperGroup

from icp.cli import data, deals, learning, rules, scoring, setup
from icp.cli.screen import note
from icp.errors import CancelledError, IcpError, IcpWarning, InputError

if TYPE_CHECKING:
    from typing import Any, TextIO


_DEBUG: Final = "ICP_DEBUG"


class _Guarded(TyperGroup):
    """Ends a command with one clear message and the exit code of its error."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        warnings.showwarning = _show_warning
        try:
            return super().invoke(ctx)
        except IcpError as error:
            if os.environ.get(_DEBUG):
                raise
            note(f"Error: {error}")
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if os.environ.get(_DEBUG) or error.errno == errno.EPIPE:
                raise
            note(f"Error: {_os_message(error)}")
            raise typer.Exit(InputError.exit_code) from None
        except KeyboardInterrupt:
            note("Stopped; nothing half-done was saved.")
            raise typer.Exit(CancelledError.exit_code) from None


app = typer.Typer(
    name="icp",
    help=(
        "Learn your ideal customer profile from the customers you would want again and "
        "those you regret, and score prospects with it.\n\n"
        "Start with: icp demo"
    ),
    cls=_Guarded,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
for commands in (setup, data, learning, rules, scoring, deals):
    commands.add_to(app)


def run() -> None:
    """Run the command line; an unexpected error ends with exit code 1 and no trace."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a character it lacks ends no command
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        if os.environ.get(_DEBUG):
            raise
        note(f"Unexpected error: {type(error).__name__}: {error}")
        note(f"Run the command again with {_DEBUG}=1 and report what it prints.")
        sys.exit(1)


def _os_message(error: OSError) -> str:
    """What the operating system refused, in words."""
    path = error.filename2 or error.filename
    subject = f"{Path(str(path)).name!r}: " if path else ""
    cause = error.strerror or str(error)
    return f"{subject}{cause}; check the folder, your rights there and the disk space"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print our own warnings as plain notes; those of libraries are for developers."""
    if issubclass(category, IcpWarning):
        note(f"Note: {message}")
