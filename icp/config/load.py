"""Reading `icp.toml`: every mistake with its file, key, reason and next action."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from icp.config.document import CONFIG_FILE, WorkspaceConfig
from icp.errors import ConfigError, near

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_config", "parse_config"]

_MOST_MISTAKES = 5
_MISSING_FILE = "there is no workspace here; run icp init"


def load_config(path: Path, /) -> WorkspaceConfig:
    """Read a workspace file, or the one in a workspace folder; raises ConfigError."""
    file = path / CONFIG_FILE if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: {_MISSING_FILE}") from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read as UTF-8 text; save it as UTF-8"
        raise ConfigError(message) from error
    return parse_config(text, file=str(file))


def parse_config(text: str, /, *, file: str = CONFIG_FILE) -> WorkspaceConfig:
    r"""Read the text of a workspace file; `file` is its name in messages.

    >>> parse_config('[workspace]\nnam = "x"')
    Traceback (most recent call last):
    ...
    icp.errors.ConfigError: icp.toml: workspace.nam: unknown key; did you mean 'name'?
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: not valid TOML: {error}; correct that line"
        raise ConfigError(message) from error
    try:
        return WorkspaceConfig.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_mistakes(error, file)) from error


def _mistakes(error: ValidationError, file: str) -> str:
    found = error.errors(include_url=False, include_input=False)
    said = [f"{file}: {_described(dict(mistake))}" for mistake in found]
    more = len(said) - _MOST_MISTAKES
    return "\n".join(said[:_MOST_MISTAKES] + ([f"and {more} more"] if more > 0 else []))


def _described(mistake: dict[str, Any]) -> str:
    location = tuple(mistake["loc"])
    place = _place(location)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: unknown key; {near(str(location[-1]), _keys(location[:-1]))}"
    if mistake["type"] == "missing":
        return f"{place}: is missing; add it"
    reason = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{place}: {reason[:1].lower()}{reason[1:]}" if place else reason


def _place(location: tuple[str | int, ...]) -> str:
    """`assembly.customers.joins[2].on`, counting from 1 as a person does."""
    steps = (f"[{s + 1}]" if isinstance(s, int) else f".{s}" for s in location)
    return "".join(steps).removeprefix(".")


def _keys(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are known at a place of the document."""
    schema = _schema()
    here: Any = schema
    for step in location:
        here = _step(_resolved(here, schema), step)
    return list(_resolved(here, schema).get("properties", {}))


@cache
def _schema() -> dict[str, Any]:
    return WorkspaceConfig.model_json_schema()


def _step(here: dict[str, Any], step: str | int) -> dict[str, Any]:
    below = here.get("items") if isinstance(step, int) else None
    below = below or here.get("properties", {}).get(step)
    below = below or here.get("additionalProperties")
    return below if isinstance(below, dict) else {}


def _resolved(here: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    choices = [c for c in here.get("anyOf", []) if c.get("type") != "null"]
    here = choices[0] if choices else here
    name = str(here.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = schema["$defs"][name] if name else here
    return found
