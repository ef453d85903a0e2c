from __future__ import annotations

import pytest


def test_a_set_is_a_row_of_what_was_found_and_missed():
    from bench.quality.leaks import line

    named = {"nps": "name", "city": "constant"}
    told = line("one", {"nps", "tier"}, named, {"nps": "too_good"})
    assert told == "| one | 1 of 2: nps (name) | tier | nps (too_good) |"
    told = line("two", {"nps"}, {"nps": "name"}, {})
    assert told == "| two | 1 of 1: nps (name) | - | - |"


def test_leaks_are_those_that_a_recipe_names():
    from bench.quality.leaks import leaks_of

    assert leaks_of("bank-marketing") == {"duration"}
    assert leaks_of("no-such-set") == set()


def test_without_the_data_it_says_what_to_set(monkeypatch):
    from bench.quality.leaks import main

    monkeypatch.delenv("ICP_DATA", raising=False)
    with pytest.raises(SystemExit, match="set ICP_DATA"):
        main()
