"""The use cases that the command line and the dashboard share.

Everything that joins the store and the computing happens here, and only here are the
roles enforced, so that no front end can do what another may not.
"""

from __future__ import annotations

from icp.config import RoleName
from icp.workflow.imports import ImportSummary, SourceImport
from icp.workflow.sources import SourcePreview
from icp.workflow.status import Check, WorkspaceStatus
from icp.workflow.workspace import Workspace, create_workspace, open_workspace

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
