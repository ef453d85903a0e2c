"""The catalogue of reasons to walk away, and what a workspace changes in it.

`reasons.toml` beside this module is the catalogue; its head explains each key. A
workspace's own `reasons.toml` replaces single values, adds reasons and translates.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from icp.conditions import ConditionText  # pydantic reads it
from icp.documents import Frozen
from icp.errors import ConfigError, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


VerdictName = Literal[
    "pursue",
    "ask",
    "redirect",
    "not_now",
    "second_option",
    "walk_away",
    "not_evaluable",
]
Severity = Literal["gate", "strong", "soft"]
Play = Literal[
    "quantify",
    "ask_again",
    "last_message",
    "next_event",
    "other_stakeholder",
    "second_option",
    "park",
    "referral",
]
Cure = Literal["time", "person", "money", "proof", "nothing"]

#: The order of verdicts, from worst to best.
RANK: Final[Mapping[VerdictName, int]] = {
    "walk_away": 0,
    "not_now": 1,
    "second_option": 2,
    "redirect": 3,
    "ask": 4,
    "not_evaluable": 5,
    "pursue": 6,
}
#: What each play means for the deal.
PLAYS: Final[Mapping[Play, VerdictName]] = {
    "quantify": "ask",
    "ask_again": "ask",
    "last_message": "ask",
    "next_event": "ask",
    "other_stakeholder": "redirect",
    "second_option": "second_option",
    "park": "not_now",
    "referral": "walk_away",
}
_FILE: Final = "reasons.toml"
_CODE: Final = r"^[a-z][a-z0-9_]*$"
_MOST_MISTAKES: Final = 5
_Share = Annotated[float, Field(ge=0, le=1)]
_Words = Annotated[str, Field(min_length=1)]


class Step(Frozen):
    """One thing to try, with the words for it."""

    play: Play
    say: _Words

    @property
    def verdict(self) -> VerdictName:
        """What the play means for the deal."""
        return PLAYS[self.play]


class Seen(Frozen):
    """Share of the accounts that turned out so in which the reason held."""

    best: _Share
    regrettable: _Share

    @model_validator(mode="after")
    def _speaks_against(self) -> Self:
        if self.best > self.regrettable:
            raise ValueError(
                "a reason to walk away must be seen less often in best than in "
                "regrettable accounts; swap the two shares or remove the reason"
            )
        return self


class Wake(Frozen):
    """When the account is due for another look, or why never."""

    text: str = ""
    #: Condition over columns and `signal_<code>`; null where only time counts.
    when: ConditionText | None = None
    months: int | None = Field(default=None, ge=1, le=120)
    never: str = ""

    @model_validator(mode="after")
    def _door_is_open(self) -> Self:
        wakes = bool(self.when or self.months)
        if wakes == bool(self.never):
            raise ValueError("give 'when' or 'months', or explain in 'never'")
        if wakes and not self.text:
            raise ValueError("describe in 'text' what reopens it")
        return self


class Reason(Frozen):
    """One reason, as described at the head of `reasons.toml`."""

    code: str = Field(pattern=_CODE)
    title: _Words
    meaning: _Words
    question: _Words
    severity: Severity
    cure: tuple[Cure, ...] = Field(min_length=1)
    seen: Seen
    steps: tuple[Step, ...] = Field(min_length=1)
    wake: Wake
    when: tuple[ConditionText, ...] = ()
    unless: tuple[ConditionText, ...] = ()
    fades: int = Field(default=0, ge=0)
    lost: tuple[str, ...] = ()
    weigh: Literal["margin", "keep", "head_to_head"] | None = None
    asked: bool = True

    @model_validator(mode="after")
    def _fair(self) -> Self:
        if self.severity == "gate" and (
            self.weigh or any(step.verdict != "walk_away" for step in self.steps)
        ):
            raise ValueError("a gate takes only the play 'referral' and no 'weigh'")
        if self.severity == "soft" and self.steps[0].verdict == "walk_away":
            raise ValueError("a soft reason's first step may not be to walk away")
        if "nothing" in self.cure and len(self.cure) > 1:
            raise ValueError("'nothing' excludes every other cure")
        return self

    def step(self, tried: frozenset[str] = frozenset(), /) -> Step:
        """The first step that was not tried; the last one where all were."""
        left = [step for step in self.steps if step.play not in tried]
        return left[0] if left else self.steps[-1]


class Asking(Frozen):
    """When a question comes before anything else."""

    cost_share: _Share = 0.02
    least_chance: _Share = 0.1


class Matching(Frozen):
    """How lost reasons are matched with the dictionary."""

    least_alike: int = Field(default=86, ge=50, le=100)


class HeadToHead(Frozen):
    """What going against an entrenched competitor is worth, and staying present."""

    displace: _Share = 0.2
    cost: float = Field(default=2.0, ge=0)
    called_later: _Share = 0.1
    presence: float = Field(default=0.25, ge=0)
    window: int = Field(default=6, ge=0)

    @model_validator(mode="after")
    def _attack_is_stronger(self) -> Self:
        if self.displace < self.called_later:
            raise ValueError("'displace' may not be below 'called_later'; raise it")
        return self


class Capacity(Frozen):
    """What pursuing takes of people's time."""

    #: Hours that pursuing one account takes, won or not.
    hours: float = Field(default=20.0, ge=0)


class Catalogue(Frozen):
    """All reasons, in their order, and the numbers around them."""

    format: Literal[1] = 1
    reasons: tuple[Reason, ...]
    asking: Asking = Asking()
    matching: Matching = Matching()
    head_to_head: HeadToHead = HeadToHead()
    capacity: Capacity = Capacity()
    #: Words for asking about an attribute, by its name.
    questions: dict[str, str] = {}

    def __getitem__(self, code: str) -> Reason:
        """The reason of that code; raises ConfigError."""
        for reason in self.reasons:
            if reason.code == code:
                return reason
        message = f"no reason {code!r}; {near(code, self.codes)}"
        raise ConfigError(message)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes in order."""
        return tuple(reason.code for reason in self.reasons)

    def codes_over(self, columns: Iterable[str], /) -> frozenset[str]:
        """Codes of the reasons whose conditions read any of these columns."""
        names = set(columns)
        return frozenset(
            reason.code
            for reason in self.reasons
            if any(names & c.columns for c in (*reason.when, *reason.unless))
        )


_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "seen": Seen,
    "steps": Step,
    "wake": Wake,
    "asking": Asking,
    "matching": Matching,
    "head_to_head": HeadToHead,
    "capacity": Capacity,
}


@cache
def default_catalogue() -> Catalogue:
    """The catalogue that comes with icp."""
    return _catalogue(_shipped(), _FILE)


def read_catalogue(text: str, /, *, file: str = _FILE) -> Catalogue:
    """The shipped catalogue with the changes of a workspace's `reasons.toml`.

    `file` is its name in messages. Raises ConfigError that names file, reason, key,
    what is wrong and what to do.

    >>> read_catalogue('reasons.no_need.title = "Kein Bedarf"')["no_need"].title
    'Kein Bedarf'
    >>> read_catalogue('reasons.no_need.fade = 90')
    Traceback (most recent call last):
    ...
    icp.errors.ConfigError: reasons.toml: no_need.fade: unknown key; did you mean \
'fades'?
    """
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{file}: not valid TOML: {error}; correct that line"
        raise ConfigError(message) from error
    return _catalogue(_merged(_shipped(), own, file), file)


def _shipped() -> dict[str, Any]:
    text = files(__package__).joinpath(_FILE).read_text("utf-8")
    return tomllib.loads(text)


def _merged(shipped: dict[str, Any], own: dict[str, Any], file: str) -> dict[str, Any]:
    """`own` over `shipped`, table by table; lists are replaced, never joined."""
    merged = dict(shipped)
    for name, value in own.items():
        before = merged.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        if both and name != "wake":
            merged[name] = _merged(merged[name], value, file)
        else:
            merged[name] = value
    return merged


def _catalogue(document: dict[str, Any], file: str) -> Catalogue:
    reasons = document.get("reasons")
    if not isinstance(reasons, dict) or not all(
        isinstance(reason, dict) for reason in reasons.values()
    ):
        message = f"{file}: reasons: must contain one table per code, [reasons.no_need]"
        raise ConfigError(message)
    for code, reason in reasons.items():
        if "code" in reason:
            message = f"{file}: {code}.code: the table's name is the code"
            raise ConfigError(f"{message}; remove the key")
    tables = [{**reason, "code": code} for code, reason in reasons.items()]
    try:
        return Catalogue.model_validate({**document, "reasons": tables})
    except ValidationError as error:
        raise ConfigError(_mistakes(error, list(reasons), file)) from error


def _keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a place of the document."""
    of_reason = place[0] == "reasons"
    tables = [part for part in place[2 * of_reason : -1] if isinstance(part, str)]
    holder = _TABLES[tables[-1]] if tables else Reason if of_reason else Catalogue
    return [key for key in holder.model_fields if key != "code"]


def _mistakes(error: ValidationError, codes: list[str], file: str) -> str:
    errors = error.errors(include_url=False, include_input=False)
    lines = [f"{file}: {_mistake(dict(one), codes)}" for one in errors]
    more = len(lines) - _MOST_MISTAKES
    if more > 0:
        lines = [*lines[:_MOST_MISTAKES], f"and {more} more"]
    return "\n".join(lines)


def _mistake(mistake: dict[str, Any], codes: list[str]) -> str:
    location = [str(part) for part in mistake["loc"]]
    if len(location) > 1 and location[0] == "reasons":
        location = [codes[int(location[1])], *location[2:]]
    place = ".".join(location)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: unknown key; {near(location[-1], _keys(mistake['loc']))}"
    if mistake["type"] == "missing":
        return f"{place}: is missing; add it"
    reason = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{place}: {reason[:1].lower()}{reason[1:]}"
