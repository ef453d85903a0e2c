"""The command line: `icp`. It asks, calls one use case, and prints what came of it."""

from __future__ import annotations

from icp.cli.main import app, run

__all__ = ["app", "run"]
