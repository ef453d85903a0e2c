"""The workspace file `icp.toml`: read with clear errors, written keeping comments."""

from icp.config.document import (
    CONFIG_FILE,
    Accepted,
    AssemblyConfig,
    EconomicsConfig,
    LearningConfig,
    PolicyConfig,
    SourceConfig,
    WorkspaceConfig,
    WorkspaceSection,
)
from icp.config.load import load_config, parse_config
from icp.config.text import (
    accept_column,
    add_policy,
    add_source,
    default_config_text,
    edited,
    remove_policy,
    remove_source,
    set_assembly,
    set_outcome,
)

__all__ = [
    "CONFIG_FILE",
    "Accepted",
    "AssemblyConfig",
    "EconomicsConfig",
    "LearningConfig",
    "PolicyConfig",
    "SourceConfig",
    "WorkspaceConfig",
    "WorkspaceSection",
    "accept_column",
    "add_policy",
    "add_source",
    "default_config_text",
    "edited",
    "load_config",
    "parse_config",
    "remove_policy",
    "remove_source",
    "set_assembly",
    "set_outcome",
]
