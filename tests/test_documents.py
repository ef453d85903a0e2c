from __future__ import annotations

import pytest
from pydantic import ValidationError

from icp.documents import Frozen, fault, faults, keys_at


class Room(Frozen):
    size: int = 0
    name: str


class House(Frozen):
    rooms: tuple[Room, ...] = ()
    best: Room | None = None
    by_name: dict[str, Room] = {}


def error_of(document: dict[str, object]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        House.model_validate(document)
    return caught.value


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"room": []}, "room: unknown key; did you mean 'rooms'?"),
        (
            {"rooms": [{"name": "a"}, {"name": "b", "sise": 1}]},
            "rooms[2].sise: unknown key; did you mean 'size'?",
        ),
        (
            {"best": {"nam": "a", "name": "a"}},
            "best.nam: unknown key; did you mean 'name'?",
        ),
        ({"by_name": {"x": {"sise": 1, "name": "a"}}}, "did you mean 'size'?"),
        ({"rooms": [{}]}, "rooms[1].name: is missing; add it"),
        ({"rooms": 3}, "rooms: input should be a valid tuple; correct it"),
        ({"rooms": [{}, {}]}, "rooms[1].name: is missing; add it (and 1 more)"),
    ],
)
def test_a_fault_names_place_and_action(
    document: dict[str, object], sentence: str
) -> None:
    assert sentence in fault(error_of(document), House, action="correct it")


def test_a_fault_never_holds_the_value() -> None:
    error = error_of({"rooms": "secret"})
    assert "secret" not in fault(error, House, action="correct it")


def test_the_faults_of_a_file_stand_on_lines_of_their_own() -> None:
    error = error_of({"rooms": [{}] * 7})
    lines = faults(error, House, file="house.toml").splitlines()
    assert lines[0] == "house.toml: rooms[1].name: is missing; add it"
    assert lines[-1] == "and 2 more"
    assert len(lines) == 6


def test_keys_of_an_unknown_place_are_none() -> None:
    assert keys_at(("nowhere", 0, "x"), House) == []
