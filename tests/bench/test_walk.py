from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from icp.qualify import RANK

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- walk: (\w+) -->\n\n```text\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def walk():
    return importlib.import_module("bench.guides.walking_away")


def blocks(page):
    return dict(BLOCK.findall(page))


def test_the_guide_walks_through_every_verdict(walk):
    told = blocks(walk.PAGE.read_text("utf-8"))
    assert set(told) == {*RANK, "counts", "ladder"}
    for verdict in RANK:
        assert told[verdict].startswith("$ icp check P-")
        assert "\nVerdict: " in told[verdict]
    assert len({told[verdict].split("Verdict: ")[1][:9] for verdict in RANK}) == len(
        RANK
    )


def test_the_readme_shows_one_verdict(walk):
    told = blocks(walk.README.read_text("utf-8"))
    assert set(told) == {"readme"}
    assert "\nVerdict: Walk away\n" in told["readme"]


def test_a_page_is_brought_up_to_date_block_by_block(walk):
    page = "a\n<!-- walk: x -->\n\n```text\nold\n```\nb\n"
    assert walk.page_with(page, {"x": "new\n", "y": "z"}) == page.replace("old", "new")
    assert walk.page_with(page, {"x": "old\n"}) == page


def test_long_lines_are_wrapped_and_nothing_is_lost(walk):
    line = "  " + "word " * 40 + "end"
    wrapped = list(walk._wrapped(line))
    assert all(len(one) <= 88 for one in wrapped)
    assert " ".join(one.strip() for one in wrapped) == line.strip()


@pytest.mark.slow
def test_the_guides_figures_are_the_codes(walk, tmp_path):
    told = walk.walked(tmp_path / "demo")
    for path in (walk.PAGE, walk.README):
        page = path.read_text("utf-8")
        assert walk.page_with(page, told) == page
