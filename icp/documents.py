"""Documents that come from outside (profile, settings, mapping): base and faults."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from icp.errors import near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

#: A count: bounded, so that sums of counts stay exact integers.
Count = Annotated[int, Field(ge=0, le=10**12)]
#: The keys and positions that lead to a value in a document.
Location = tuple[int | str, ...]

_MOST_FAULTS = 5


class Frozen(BaseModel):
    """A value that never changes; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """A changed copy, checked again and with nothing remembered from this one."""
        del deep  # values are immutable, so that a shallow copy is as good
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **(update or {})})


# ---- What is wrong in a document, where, and what to do about it; never the value


def place_of(location: Location, /) -> str:
    """A place in a document, counting from 1 as a person does.

    >>> place_of(("assembly", "customers", "joins", 1, "on"))
    'assembly.customers.joins[2].on'
    """
    steps = (f"[{s + 1}]" if isinstance(s, int) else f".{s}" for s in location)
    return "".join(steps).removeprefix(".")


def fault(error: ValidationError, model: type[BaseModel], /, *, action: str) -> str:
    """The first fault with its place, how many more there are, and what to do.

    `action` is what to do about a wrong value; an unknown key and a missing one say
    so themselves.
    """
    details = error.errors(include_url=False, include_input=False)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    plain = details[0]["type"] in {"extra_forbidden", "missing"}
    sentence = f"{_sentence(details[0], model)}{more}"
    return sentence if plain else f"{sentence}; {action}"


def faults(
    error: ValidationError,
    model: type[BaseModel],
    /,
    *,
    file: str,
    place: Callable[[Location], str] = place_of,
    internal: frozenset[str] = frozenset(),
) -> str:
    """The faults of a file a person wrote, one per line; no `internal` key is named."""
    details = error.errors(include_url=False, include_input=False)
    lines = [f"{file}: {_sentence(one, model, place, internal)}" for one in details]
    more = len(lines) - _MOST_FAULTS
    rest = [f"and {more} more"] if more > 0 else []
    return "\n".join(lines[:_MOST_FAULTS] + rest)


def _sentence(
    details: ErrorDetails,
    model: type[BaseModel],
    place: Callable[[Location], str] = place_of,
    internal: frozenset[str] = frozenset(),
) -> str:
    location = details["loc"]
    start = f"{where}: " if (where := place(location)) else ""
    if details["type"] == "extra_forbidden":
        keys = set(keys_at(location, model)) - internal
        return f"{start}unknown key; {near(str(location[-1]), keys)}"
    if details["type"] == "missing":
        return f"{start}is missing; add it"
    reason = details["msg"].removeprefix("Value error, ")
    return f"{start}{reason[:1].lower()}{reason[1:]}" if start else reason


def keys_at(location: Location, model: type[BaseModel], /) -> list[str]:
    """The keys that may stand beside the last one of a place; none if unknown."""
    types: list[Any] = [model]
    for step in location[:-1]:
        types = [inner for one in types for inner in _inner(one, step)]
    fields = [one.model_fields for one in types if _is_model(one)]
    return [f.alias or name for names in fields for name, f in names.items()]


def _inner(of: Any, step: int | str) -> list[Any]:
    """The types below a step; unions and annotations are looked through."""
    if not _is_model(of):
        return _alternatives(get_args(of))
    fields = of.model_fields.items()
    return _alternatives(f.annotation for n, f in fields if step in {n, f.alias})


def _alternatives(types: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for one in types:
        union = get_origin(one) in {Union, UnionType, Annotated}
        flat += _alternatives(get_args(one)) if union else [one]
    return flat


def _is_model(of: Any) -> bool:
    return isinstance(of, type) and issubclass(of, BaseModel)
