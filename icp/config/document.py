"""What `icp.toml` may hold.

```
WorkspaceConfig
 ├─ [workspace]            name, and the folder that paths start from
 ├─ [[sources]]            the exports: SourceConfig each
 ├─ [assembly.customers]   how they become one row per account: AssemblyPlan
 ├─ [assembly.prospects]
 ├─ [outcome]              what best and regrettable mean: OutcomePolicy
 ├─ [economics]            money that decides when pursuing pays
 ├─ [learning]             groups, dates, options, accepted columns
 ├─ [[policy]]             conditions under which we never sell, whatever the score
 └─ [roles]                person = viewer | rep | analyst | admin
```
"""

from __future__ import annotations

import os
import re
from datetime import date  # noqa: TC003  # pydantic reads it when run
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from icp.conditions import ConditionText  # noqa: TC001  # pydantic reads it when run
from icp.disqualifiers import Disqualifier, policy_rule
from icp.errors import ConfigError, counted, near
from icp.ingest.plan import AssemblyPlan  # noqa: TC001  # pydantic reads it when run
from icp.outcomes import Economics, OutcomePolicy

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from icp.ingest.readers import ReadOptions

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
]

#: The workspace file's name.
CONFIG_FILE: Final = "icp.toml"

#: A source's name is part of file names.
SOURCE_NAME: Final = r"^[A-Za-z0-9_][A-Za-z0-9_. -]*$"
SourceObject = Literal["accounts", "deals", "invoices", "tickets", "prospects", "other"]
RoleName = Literal["viewer", "rep", "analyst", "admin"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkspaceSection(_Frozen):
    """[workspace]: what the workspace is called and where its files are."""

    name: str = ""
    #: Folder that sources' paths start from; empty means the folder of `icp.toml`.
    #: `${NAME}` stands for an environment variable.
    root: str = ""


class SourceConfig(_Frozen):
    """One export: a file, or a database with a query."""

    name: str = Field(pattern=SOURCE_NAME)
    object: SourceObject = "accounts"
    #: A file; `${NAME}` stands for an environment variable.
    path: str | None = None
    #: A database URL; write its password as `${NAME}`, never in the file.
    url: str | None = None
    query: str | None = None
    sheet: str | None = None
    #: The saved column mapping; null means `mappings/<name>.json`.
    mapping: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = Field(default=None, ge=1)
    no_header: bool = False
    repair: bool = True
    strict: bool = False
    max_bytes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either 'path' or 'url', not both")
        if (self.url is None) != (self.query is None):
            raise ValueError("'url' and 'query' belong together")
        return self

    @property
    def options(self) -> ReadOptions:
        """How to read it."""
        from icp.ingest.readers import ReadOptions

        names = ("sheet", "encoding", "delimiter", "header_line", "query", "max_bytes")
        given = {name: getattr(self, name) for name in names}
        return ReadOptions(
            no_header=self.no_header,
            repair=self.repair,
            strict=self.strict,
            **{name: value for name, value in given.items() if value is not None},
        )


class AssemblyConfig(_Frozen):
    """[assembly]: how the sources become customers and prospects; null means as is."""

    customers: AssemblyPlan | None = None
    prospects: AssemblyPlan | None = None


class EconomicsConfig(_Frozen):
    """[economics], in money; null amounts are taken from the labelled customers."""

    value_of_best: _Money | None = None
    loss_of_regrettable: _Money | None = None
    cost_to_pursue: _Money = 0.0

    def economics(self, labelled: pl.DataFrame | pl.LazyFrame, /) -> Economics:
        """The amounts given here, the others from the labelled customers."""
        return Economics.from_labelled(
            labelled,
            value=self.value_of_best,
            loss=self.loss_of_regrettable,
            cost=self.cost_to_pursue,
        )


class Accepted(_Frozen):
    """A person's word that a suspicious column is known in time."""

    column: str = Field(min_length=1)
    who: str = Field(min_length=1)
    why: str = Field(min_length=1)


class LearningConfig(_Frozen):
    """[learning]: what the learner must respect."""

    #: Column whose equal values stay together when quality is measured.
    group: str | None = None
    #: Date column: earlier customers are compared with newer ones, for drift. Where it
    #: is not given, the date from which customers mature does.
    date: str | None = None
    accept: tuple[Accepted, ...] = ()
    #: Settings of `icp.learn.FitOptions` by name.
    options: dict[str, bool | int | float | str | tuple[str, ...]] = {}


class PolicyConfig(_Frozen):
    """[[policy]]: a rule that people lay down; learnt and traded against nothing."""

    #: The condition, as in "industry = 'Arms'"; whoever it covers is walked away from.
    when: ConditionText
    #: Code of the reason to walk away.
    reason: str = Field(default="ethics", min_length=1)
    #: The words, and who said them on which day.
    why: str = Field(min_length=1)
    who: str = Field(min_length=1)
    since: date
    title: str = ""
    exit: str = ""
    #: When to look at it again.
    review_on: date | None = None

    @property
    def rule(self) -> Disqualifier:
        """The rule it stands for."""
        return policy_rule(
            self.when,
            by=self.who,
            reason=self.reason,
            why=self.why,
            on=self.since,
            title=self.title,
            exit=self.exit,
            review_on=self.review_on,
        )


class WorkspaceConfig(_Frozen):
    """The whole of `icp.toml`."""

    workspace: WorkspaceSection = WorkspaceSection()
    sources: tuple[SourceConfig, ...] = ()
    assembly: AssemblyConfig = AssemblyConfig()
    outcome: OutcomePolicy | None = None
    economics: EconomicsConfig = EconomicsConfig()
    learning: LearningConfig = LearningConfig()
    policy: tuple[PolicyConfig, ...] = ()
    roles: dict[str, RoleName] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [source.name for source in self.sources]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{counted(twice, 'source')} declared more than once")
        for population in ("customers", "prospects"):
            plan: AssemblyPlan | None = getattr(self.assembly, population)
            unknown = set(plan.sources).difference(names) if plan else set()
            if unknown:
                said = counted(unknown, "unknown source")
                raise ValueError(
                    f"[assembly.{population}] names {said}; {near(min(unknown), names)}"
                )
        whens = [str(policy.when) for policy in self.policy]
        if again := {when for when in whens if whens.count(when) > 1}:
            raise ValueError(f"[[policy]] says more than once: {min(again)}")
        return self

    def source(self, name: str, /) -> SourceConfig:
        """The source of that name; raises ConfigError."""
        for source in self.sources:
            if source.name == name:
                return source
        names = [source.name for source in self.sources]
        raise ConfigError(f"no source {name!r} in {CONFIG_FILE}; {near(name, names)}")

    def location(self, source: SourceConfig, folder: Path, /) -> str | Path:
        """Where a source is: its URL, or its file under the workspace's `folder`.

        Raises ConfigError where an environment variable it names is not set.
        """
        if source.url is not None:
            return _expanded(source.url)
        root = folder / _expanded(self.workspace.root)
        return root / _expanded(source.path or "")

    def mapping_file(self, source: SourceConfig, folder: Path, /) -> Path:
        """Where a source's saved column mapping is, there or not."""
        return folder / (source.mapping or f"mappings/{source.name}.json")


def _expanded(text: str) -> str:
    missing = {name for name in _VARIABLE.findall(text) if name not in os.environ}
    if missing:
        message = f"{counted(missing, 'environment variable')} not set; set it first"
        raise ConfigError(message)
    return _VARIABLE.sub(lambda found: os.environ[found[1]], text)
