import ast
import importlib
import re
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import BaseModel

PAGE = (Path(__file__).parents[1] / "docs" / "methods.md").read_text("utf-8")
#: `learn.drift._GONE` | 0.75 |
QUOTED = re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)


def in_code(name):
    """A module's constant, or the default of a model's field."""
    module, *path = name.split(".")
    found = importlib.import_module(f"icp.{module}")
    for part in path:
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found.model_fields[part].default
        if hasattr(found, "__path__") and not hasattr(found, part):
            found = importlib.import_module(f"{found.__name__}.{part}")
        else:
            found = getattr(found, part)
    return found


@pytest.mark.parametrize(("name", "value"), QUOTED)
def test_the_page_quotes_the_code(name, value):
    quoted = (
        float(Fraction(value.replace(" ", "")))
        if "/" in value
        else ast.literal_eval(value)
    )
    assert in_code(name) == quoted, f"correct docs/methods.md: {name}"


def test_every_part_quotes_what_it_rests_on():
    parts = {name.rsplit(".", 1)[0] for name, _ in QUOTED}
    assert {"learn.drift", "learn.evidence", "learn.leakage", "learn.segments"} <= parts
    assert len(QUOTED) > 40
    assert len({name for name, _ in QUOTED}) == len(QUOTED)


def test_every_section_is_in_the_contents():
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
    linked = set(re.findall(r"\(#([\w-]+)\)", PAGE))
    assert linked == anchors


def test_sources_are_cited_where_they_are_used():
    body, sources = PAGE.split("## Sources")
    text = " ".join(body.split())
    for author, year in re.findall(r"([A-Z][a-zäöü]+)[^.;]*? (\d{4})", sources):
        assert author in text, f"{author} {year} is listed and not used"
