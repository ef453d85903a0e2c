"""The use cases that the command line and the dashboard share.

Everything that joins the store and the computing happens here, and only here are the
roles enforced, so that no front end can do what another may not.
"""

from __future__ import annotations

from icp.workflow.access import RoleName
from icp.workflow.opening import create_workspace, open_workspace
from icp.workflow.results import (
    Check,
    ImportSummary,
    SourceImport,
    SourcePreview,
    WorkspaceStatus,
)
from icp.workflow.workspace import Workspace

__all__ = [
    "Check",
    "ImportSummary",
    "RoleName",
    "SourceImport",
    "SourcePreview",
    "Workspace",
    "WorkspaceStatus",
    "create_workspace",
    "open_workspace",
]
