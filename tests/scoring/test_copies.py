from __future__ import annotations

from dataclasses import dataclass, replace

from icp.scoring.copies import changed


@dataclass(frozen=True, kw_only=True)
class Point:
    x: int
    y: int


def test_a_copy_differs_in_the_named_fields_only():
    one = Point(x=1, y=2)
    assert changed(one, y=3) == replace(one, y=3) == Point(x=1, y=3)
    assert one == Point(x=1, y=2)
    assert hash(changed(one)) == hash(one)
