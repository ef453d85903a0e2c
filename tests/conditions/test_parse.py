from datetime import date

import pytest
from pydantic import BaseModel, ValidationError

from icp.conditions import (
    And,
    Compare,
    ConditionText,
    Has,
    In,
    Missing,
    Not,
    Or,
    parse,
)
from icp.errors import RuleError

A, B, C = (Compare(name, "=", 1) for name in "abc")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("vendors >= 5", Compare("vendors", ">=", 5)),
        ("vendors>=5.0", Compare("vendors", ">=", 5)),
        ("vendors > -.5e1", Compare("vendors", ">", -5)),
        ("industry = 'Retail'", Compare("industry", "=", "Retail")),
        ("industry == 'Retail'", Compare("industry", "=", "Retail")),
        ("industry <> 'O''Hara'", Compare("industry", "!=", "O'Hara")),
        ('"Odd ""name""" = \'x\'', Compare('Odd "name"', "=", "x")),
        ('"and" = 1', Compare("and", "=", 1)),
        ("größe = 1", Compare("größe", "=", 1)),
        ("key_account", Compare("key_account", "=", value=True)),
        ("key_account != false", Compare("key_account", "!=", value=False)),
        ("end < date '2026-01-31'", Compare("end", "<", date(2026, 1, 31))),
        ("x in ('b', 'a', 'b')", In("x", ("a", "b"))),
        ("x IN (2, 1)", In("x", (1, 2))),
        ("x not in (1)", Not(In("x", (1,)))),
        ("x is missing", Missing("x")),
        ("x IS NULL", Missing("x")),
        ("x is known", Not(Missing("x"))),
        ("x is not missing", Not(Missing("x"))),
        ("x is not known", Missing("x")),
        ("tools has 'SAP'", Has("tools", "SAP")),
        ("a = 1 and b = 1 or c = 1", Or((And((A, B)), C))),
        ("a = 1 and (b = 1 or c = 1)", And((A, Or((B, C))))),
        ("a = 1 AND (b = 1 and c = 1)", And((A, B, C))),
        ("not a = 1 and b = 1", And((Not(A), B))),
        ("not (a = 1 and b = 1)", Not(And((A, B)))),
        ("not not a = 1", Not(Not(A))),
        ("  ((a = 1))  ", A),
    ],
)
def test_a_text_says_one_condition(text, condition):
    assert parse(text) == condition
    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (And((Or((A, B)), C)), "(a = 1 or b = 1) and c = 1"),
        (Or((And((A, B)), C)), "a = 1 and b = 1 or c = 1"),
        (Not(Or((A, B))), "not (a = 1 or b = 1)"),
        (Compare("x", "=", 1e20), "x = 1e+20"),
        (Compare("x", "=", 0.1), "x = 0.1"),
        (Compare("x", "=", -0.0), "x = 0"),
        (Compare("x", "=", value=False), "x = false"),
        (Compare("date", "=", value=True), '"date"'),
        (Compare("two words", "=", "it's"), "\"two words\" = 'it''s'"),
        (In("x", ("b", "a")), "x in ('a', 'b')"),
        (A & B | ~C, "a = 1 and b = 1 or not c = 1"),
    ],
)
def test_a_condition_is_written_in_one_way(condition, text):
    assert str(condition) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r'at "the end" \(character 1\): a column was expected'),
        ("industry = Retail", r'at "Retail" \(character 12\): a value was expected'),
        ('industry = "Retail"', "a value was expected"),
        ("a = 1 b = 2", "'and', 'or' or the end was expected"),
        ("(a = 1", r"'\)' was expected"),
        ("a in 1", r"'\(' was expected"),
        ("a in ()", "a value was expected"),
        ("a in (1, 'b')", "all texts or all numbers"),
        ("a in (true)", "all texts or all numbers"),
        ("a not 1", "'in' was expected after 'not'"),
        ("a is 1", "'missing' was expected"),
        ("a has 1", "a text in 'single quotes' was expected"),
        ("a = date '2026-02-30'", "a day was expected"),
        ("a = 'open", r'at "\'" \(character 5\): close every quote'),
        ("a = 1 # 2", r'at "#"'),
        ("a < 'text'", "has no meaning"),
        ("a >= true", "has no meaning"),
        ("and = 1", "a column was expected"),
        ("5 < a", "a column was expected"),
        ("a = 1e999", "a finite number"),
        ("not " * 80 + "a", "nested deeper than 60"),
        ("(" * 80 + "a" + ")" * 80, "nested deeper than 60"),
        ("a = 1 and " * 3000 + "a", "longer than"),
        ('"" = 1', "close every quote"),
    ],
)
def test_what_cannot_be_read_is_shown(text, said):
    with pytest.raises(RuleError, match=said):
        parse(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Compare("", "=", 1),
        lambda: Compare("a\0b", "=", 1),
        lambda: Compare("a", "=", "\ud800"),
        lambda: Compare("a", "~", 1),
        lambda: Compare("a", "=", float("nan")),
        lambda: Compare("a", "=", None),
        lambda: In("a", ()),
        lambda: In("a", (True,)),
        lambda: Has("a", 1),
        lambda: And((A,)),
        lambda: Or(()),
    ],
)
def test_what_no_engine_can_hold_is_refused(make):
    with pytest.raises(RuleError):
        make()


def test_a_document_holds_a_condition_as_text():
    class Document(BaseModel):
        when: ConditionText

    document = Document(when="a = 1 and b = 1")
    assert document.when == And((A, B))
    assert document.model_dump_json() == '{"when":"a = 1 and b = 1"}'
    assert Document.model_validate_json(document.model_dump_json()) == document
    assert Document(when=A).when == A
    with pytest.raises(ValidationError, match="cannot read the rule"):
        Document(when="a =")
    with pytest.raises(ValidationError, match="a rule is a text"):
        Document(when=7)
