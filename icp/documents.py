"""The base of every document that comes from outside: profile, settings, mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A count: bounded, so that sums of counts stay exact integers.
Count = Annotated[int, Field(ge=0, le=10**12)]


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
