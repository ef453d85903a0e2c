"""From rule text to conditions, with messages that say where it goes wrong."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, NamedTuple, NoReturn, cast

from pydantic import PlainSerializer, PlainValidator

from icp.conditions.tree import (
    KEYWORDS,
    And,
    Compare,
    Condition,
    Has,
    In,
    Missing,
    Not,
    Operator,
    Or,
    Value,
)
from icp.errors import RuleError

_MOST_CHARACTERS: Final = 20_000
_DEEPEST: Final = 60
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<sign><=|>=|<>|!=|==|=|<|>|\(|\)|,)
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_SAME_OPERATOR: Final = {"==": "=", "<>": "!="}
_OPERATORS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})


def parse(text: str, /) -> Condition:
    """Read a rule; raises RuleError that shows where it cannot be read.

    Words are case-insensitive, column names are not. Texts stand in 'single quotes',
    odd column names in "double quotes"; a yes/no column may stand alone.

    >>> parse("vendors >= 5 AND NOT operations_team")
    And(parts=(Compare(column='vendors', operator='>=', value=5.0), \
Not(part=Compare(column='operations_team', operator='=', value=True))))
    >>> parse("industry = Retail")
    Traceback (most recent call last):
    ...
    icp.errors.RuleError: cannot read the rule at "Retail" (character 12): a value was \
expected; write a text in 'single quotes', a number, true, false or date '2026-01-31'
    """
    if len(text) > _MOST_CHARACTERS:
        raise RuleError(f"the rule is longer than {_MOST_CHARACTERS} characters")
    reader = _Reader(text)
    condition = reader.alternatives()
    if reader.token.kind != "end":
        reader.refuse("'and', 'or' or the end was expected")
    return condition


def _condition(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if isinstance(value, str):
        try:
            return parse(value)
        except RuleError as error:
            raise ValueError(str(error)) from error
    raise ValueError("a rule is a text")


#: A pydantic field that holds a condition and is written as its text.
ConditionText = Annotated[
    Condition, PlainValidator(_condition), PlainSerializer(str, return_type=str)
]


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


class _Reader:
    """A recursive-descent reader, one method per level of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def refuse(self, reason: str) -> NoReturn:
        token = self.token
        text = token.text or "the end"
        message = f'cannot read the rule at "{text}" (character {token.start + 1})'
        raise RuleError(f"{message}: {reason}")

    def take(self, *words: str) -> bool:
        """Whether the next token is one of these words or signs; then step over it."""
        token = self.token
        hit = token.kind in {"name", "sign"} and token.text.lower() in words
        self.place += hit
        return hit

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            self.refuse(f"{sign!r} was expected")

    def alternatives(self) -> Condition:
        parts = [self.together()]
        while self.take("or"):
            parts.append(self.together())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def together(self) -> Condition:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Condition:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse(f"nested deeper than {_DEEPEST}; make it simpler")
        condition = self.opposite_or_plain()
        self.depth -= 1
        return condition

    def opposite_or_plain(self) -> Condition:
        if self.take("not"):
            return Not(self.one())
        if not self.take("("):
            return self.about(self.column())
        inner = self.alternatives()
        self.expect(")")
        return inner

    def column(self) -> str:
        token = self.token
        bare = token.kind == "name" and token.text.lower() not in KEYWORDS
        if not bare and token.kind != "quoted":
            self.refuse('a column was expected; write odd names in "double quotes"')
        self.place += 1
        return token.text if bare else token.text[1:-1].replace('""', '"')

    def about(self, column: str) -> Condition:
        sign = _SAME_OPERATOR.get(self.token.text, self.token.text)
        if self.token.kind == "sign" and sign in _OPERATORS:
            self.place += 1
            return Compare(column, cast("Operator", sign), self.value())
        if self.take("in"):
            return In(column, self.values())
        if self.take("not"):
            if not self.take("in"):
                self.refuse("'in' was expected after 'not'")
            return Not(In(column, self.values()))
        if self.take("is"):
            return self.known_or_not(column)
        if self.take("has"):
            return Has(column, self.text_value())
        return Compare(column, "=", value=True)

    def known_or_not(self, column: str) -> Condition:
        opposite = self.take("not")
        if self.take("missing", "null"):
            return Not(Missing(column)) if opposite else Missing(column)
        if self.take("known"):
            return Missing(column) if opposite else Not(Missing(column))
        return self.refuse("'missing' was expected after 'is'; use = for a value")

    def values(self) -> tuple[str, ...] | tuple[float, ...]:
        self.expect("(")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        self.expect(")")
        return cast("tuple[str, ...]", tuple(values))

    def text_value(self) -> str:
        if self.token.kind != "text":
            self.refuse("a text in 'single quotes' was expected")
        return str(self.value())

    def value(self) -> Value:
        token = self.token
        if self.take("true"):
            return True
        if self.take("false"):
            return False
        if self.take("date"):
            return self.date_value()
        if token.kind not in {"text", "number"}:
            self.refuse(
                "a value was expected; write a text in 'single quotes', a number, "
                "true, false or date '2026-01-31'"
            )
        self.place += 1
        if token.kind == "number":
            return float(token.text)
        return token.text[1:-1].replace("''", "'")

    def date_value(self) -> date:
        if self.token.kind == "text":
            try:
                day = date.fromisoformat(self.token.text[1:-1])
            except ValueError:
                pass
            else:
                self.place += 1
                return day
        return self.refuse("a day was expected, as in date '2026-01-31'")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while not tokens or tokens[-1].kind != "end":
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            rest = text[place:].lstrip()
            message = f'cannot read the rule at "{rest[:1]}" (character '
            raise RuleError(f"{message}{len(text) - len(rest) + 1}): close every quote")
        kind = match.lastgroup
        tokens.append(_Token(kind, match[kind], match.start(kind)))
        place = match.end()
    return tokens
