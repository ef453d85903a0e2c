"""What a profile was learnt from, what was left out and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AttributeEvidence",
    "Capacity",
    "ColumnFinding",
    "Count",
    "Evidence",
    "Frozen",
    "Provenance",
]

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


class AttributeEvidence(Frozen):
    """What one attribute alone says about best against regrettable."""

    name: str
    #: Cross-fitted area under the ROC curve of the attribute alone.
    auc: float
    #: Information value less its mean under no difference.
    information_value: float
    #: Permutation p-value of the information value, adjusted over attributes.
    p_value: float


class ColumnFinding(Frozen):
    """A column left out of the profile or suspected of leaking, with the reason."""

    column: str
    code: str
    message: str
    #: Whether the column was kept out of the profile because of it.
    excluded: bool


class Capacity(Frozen):
    """How much the closed customers can carry; see `icp.learn.capacity`."""

    #: Separate effects that can be learnt with little overfitting.
    effects: Count
    #: Attributes that were offered.
    offered: Count
    #: Cox and Snell's R2 on which the figures rest.
    r_squared: float
    #: Whether that R2 is a convention, since nothing was found to separate.
    assumed: bool
    #: Customers needed for each effect.
    per_effect: float
    #: The share of best ones is known to within so much (95 %).
    share_within: float
    #: Customers needed to know it to within 0.05.
    needed_for_share: Count

    def in_words(self) -> str:
        """The figure as a sentence.

        >>> Capacity(
        ...     effects=6, offered=21, r_squared=0.3, assumed=False, per_effect=15.0,
        ...     share_within=0.1, needed_for_share=385,
        ... ).in_words()
        'The customers can carry about 6 separate effects; 21 are offered, and \
shrinking takes care of the rest'
        """
        effects = "effect" if self.effects == 1 else "effects"
        offered = f"{self.offered:,} {'is' if self.offered == 1 else 'are'} offered"
        carried = f"the customers can carry about {self.effects:,} separate {effects}"
        if self.assumed:
            carried = f"if they separated as well as is usual, {carried}"
        enough = self.offered <= self.effects
        rest = "which they can" if enough else "and shrinking takes care of the rest"
        return f"{carried[0].upper()}{carried[1:]}; {offered}, {rest}"


class Evidence(Frozen):
    """How well best and regrettable can be told apart at all, cross-validated."""

    level: Literal["none", "weak", "moderate", "strong"]
    auc: float
    auc_low: float
    auc_high: float
    log_loss: float
    base_log_loss: float
    brier: float
    #: How it was measured, in words.
    method: str


class Provenance(Frozen):
    """What the profile was learnt from."""

    best: Count
    regrettable: Count
    neutral: Count = 0
    unknown: Count = 0
    first_date: str | None = None
    last_date: str | None = None
    #: SHA-256 of the learnt cells and outcomes, independent of row order.
    data_hash: str = ""
    options: dict[str, int | float | str | bool | None] = {}
    evidence: Evidence
    #: How much the customers can carry; null in profiles that are older than this.
    capacity: Capacity | None = None
    attributes: tuple[AttributeEvidence, ...] = ()
    findings: tuple[ColumnFinding, ...] = ()
    #: What was tried and not supported, and other remarks, in plain sentences.
    notes: tuple[str, ...] = ()
