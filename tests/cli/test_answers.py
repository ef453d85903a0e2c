import pytest

from icp.cli.data import answer_command, apply_answers, parse_answers
from icp.errors import InputError, MappingError
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.result import Finding
from icp.schema import Kind, Role


def rule(source, name, **more):
    return ColumnRule(source=source, name=name, role="outcome", kind="text", **more)


MAPPING = ColumnMapping(
    source="deals",
    columns=(rule("Close Date ", "close_date"), rule("Amount", "amount")),
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Close Date:date_order=dmy", ("Close Date", "date_order", "dmy")),
        ("Amount:decimal=,", ("Amount", "decimal", ",")),
        ("Amount:unit= EUR", ("Amount", "unit", " EUR")),
        ("Products:separator=; ", ("Products", "separator", "; ")),
        ("Time: local=x:kind=date", ("Time: local=x", "kind", "date")),
        ("Tags:role=after sale", ("Tags", "role", "after_sale")),
        ("Tags:role=First Contact", ("Tags", "role", "known_at_first_contact")),
        ("Tags:role=qualification", ("Tags", "role", "known_at_qualification")),
        ("Country:keep=NA, None", ("Country", "keep", ("NA", "None"))),
        ("Customer:name= account_name ", ("Customer", "name", "account_name")),
    ],
)
def test_an_answer_is_column_field_and_value(text, answer):
    assert parse_answers([text]) == [answer]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Amount", "is not COLUMN:FIELD=VALUE"),
        ("Amount:decimal", "is not COLUMN:FIELD=VALUE"),
        (":decimal=,", "is not COLUMN:FIELD=VALUE"),
        ("Amount:score=1", "no field 'score'; use date_order, decimal, keep"),
        ("Amount:confirmed=true", "no field 'confirmed'"),
    ],
)
def test_what_is_no_answer_says_how_to_write_one(text, message):
    with pytest.raises(InputError, match=message):
        parse_answers([text])


def test_answers_change_the_mapping_in_order():
    texts = ["amount:kind=number", "close date:kind=date", "Close Date:date_order=dmy"]
    changed = apply_answers(MAPPING, parse_answers([*texts, "Amount:role=ignored"]))
    assert changed.rule("Amount").kind is Kind.NUMBER
    assert changed.rule("Amount").role is Role.IGNORED
    assert changed.rule("Close Date ").date_order == "dmy"
    assert MAPPING.rule("Amount").kind is Kind.TEXT


def test_an_unknown_column_is_named_with_the_nearest():
    with pytest.raises(InputError, match="no column 'Amout'; did you mean 'Amount'"):
        apply_answers(MAPPING, parse_answers(["Amout:decimal=,"]))


@pytest.mark.parametrize("text", ["Amount:kind=money", "Amount:role=late"])
def test_an_impossible_value_names_the_column(text):
    message = "column 'Amount' cannot be mapped like that"
    with pytest.raises(MappingError, match=message):
        apply_answers(MAPPING, parse_answers([text]))


def finding(action, column="Close Date"):
    return Finding(
        level="ask",
        code="type-error",
        message="",
        file="x",
        column=column,
        action=action,
    )


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (
            finding("set date_order to 'dmy' or 'mdy' in the mapping of this column"),
            "icp import --name deals --set 'Close Date:date_order=dmy' (or mdy)",
        ),
        (
            finding("set decimal to '.' or ',' in the mapping", "Amount"),
            "icp import --name deals --set Amount:decimal=. (or ,)",
        ),
        (
            finding("set decimal to '.'", 'It\'s "so"'),
            "icp import --name deals --set 'It'\"'\"'s \"so\":decimal=.' (or ,)",
        ),
        (finding("correct the source"), ""),
        (finding("set date_order to 'dmy'", None), ""),
    ],
)
def test_a_question_about_a_column_comes_with_the_command_that_answers(asked, command):
    assert answer_command(asked, "deals") == command
