"""How each column of a source is understood: proposed, confirmed, saved as JSON."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from icp.documents import Frozen, fault
from icp.errors import ConfigError, MappingError
from icp.ingest.result import LINE
from icp.schema import AccountSchema, Attribute, Kind, Role
from icp.words import counted

#: Canonical names; if any is mapped, every row needs a value in one of them.
ROW_KEYS = frozenset(
    {
        *("account_id", "account_name", "deal_id", "domain"),
        *("invoice_id", "lead_id", "ticket_id"),
    }
)
#: More levels than this are not remembered.
MOST_LEVELS = 200


class ColumnRule(Frozen):
    """What one column of a source is called, means and looks like."""

    #: The source's own header.
    source: str = Field(min_length=1)
    #: Canonical snake_case name.
    name: str = Field(pattern=r"^[^\W\d]\w*$")
    role: Role
    kind: Kind
    #: Unit of a number: "money" or a currency, "%", "people", "days"; empty if none.
    unit: str = ""
    #: Order of day and month in dates such as 03/04/2025; None: not decided.
    date_order: Literal["ymd", "dmy", "mdy"] | None = None
    #: Decimal mark of numbers such as 1,234; None: not decided.
    decimal: Literal[".", ","] | None = None
    #: Between the items of a multi-select list.
    separator: Annotated[str, Field(min_length=1)] | None = None
    #: How sure the proposal is, 0 to 1.
    score: float = Field(default=1.0, ge=0, le=1)
    #: Why this name, role and kind, in words.
    reason: str = ""
    #: Whether a person has agreed.
    confirmed: bool = False
    #: Levels seen when proposed, in order; category only.
    levels: tuple[str, ...] = Field(default=(), max_length=MOST_LEVELS)
    #: Values that would mean missing elsewhere, such as NA for Namibia.
    keep: tuple[str, ...] = ()

    @property
    def attribute(self) -> Attribute:
        """The column of the accounts frame that this rule makes."""
        return Attribute(
            name=self.name,
            role=self.role,
            kind=self.kind,
            label=self.source.strip(),
            unit=self.unit,
            reason=self.reason,
        )


class ColumnMapping(Frozen):
    """The rules of one source, in the order of its columns.

    >>> rule = ColumnRule(source="Branche", name="industry", role="owner", kind="text")
    >>> mapping = ColumnMapping(source="kunden.csv", columns=(rule,))
    >>> mapping.replace("Branche", kind="category").rule("Branche").kind.value
    'category'
    >>> ColumnMapping.from_json(mapping.to_json()) == mapping
    True
    >>> mapping.rule("Umsatz")
    Traceback (most recent call last):
    ...
    icp.errors.MappingError: no rule for column 'Umsatz'; it has 1 column: 'Branche'
    """

    format: Literal[1] = 1
    #: Name of the source, usually its file name.
    source: str
    columns: tuple[ColumnRule, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for field in ("name", "source"):
            values = [getattr(rule, field) for rule in self.columns]
            repeats = {value for value in values if values.count(value) > 1}
            if repeats:
                raise ValueError(counted(repeats, f"repeated {field}"))
        if LINE in {rule.name for rule in self.columns}:
            raise ValueError(f"the name {LINE!r} is reserved for the line number")
        return self

    @property
    def schema(self) -> AccountSchema:  # type: ignore[override] # shadows a method that pydantic has retired
        """The columns of the accounts frame that this mapping makes, in order."""
        return AccountSchema(attributes=tuple(rule.attribute for rule in self.columns))

    @property
    def sources(self) -> tuple[str, ...]:
        """The headers of the source, in order."""
        return tuple(rule.source for rule in self.columns)

    def rule(self, source: str, /) -> ColumnRule:
        """The rule of one of the source's headers; MappingError where there is none."""
        for rule in self.columns:
            if rule.source == source:
                return rule
        have = counted(self.sources, "column")
        message = f"no rule for column {source!r}; it has {have}"
        raise MappingError(message)

    def replace(self, source: str, /, **changes: object) -> ColumnMapping:
        """The same mapping with one column's rule changed by a person.

        Changing one field does not confirm the others: `confirmed` stays as it is.
        """
        try:
            subject = f"column {source!r}"
            rule = ColumnRule.model_validate(self.rule(source).model_dump() | changes)
            subject = self.source
            columns = tuple(rule if r.source == source else r for r in self.columns)
            return self.model_copy(update={"columns": columns})
        except ValidationError as error:
            model = ColumnMapping if subject == self.source else ColumnRule
            reason = fault(error, model, action="correct it")
            message = f"{subject} cannot be mapped like that: {reason}"
            raise MappingError(message) from None

    def confirm(self) -> ColumnMapping:
        """The same mapping, agreed to by a person."""
        columns = tuple(r.model_copy(update={"confirmed": True}) for r in self.columns)
        return self.model_copy(update={"columns": columns})

    def to_json(self) -> str:
        """The mapping as JSON that a person can read and edit."""
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, /) -> ColumnMapping:
        """Read what `to_json` wrote; ConfigError names what is wrong in it."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            reason = fault(error, cls, action="correct it or map again")
            raise ConfigError(f"not a column mapping: {reason}") from None
