from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from icp.workflow import create_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)> **Bold** [a](http://evil.test)"
PATIENCE = 180_000


def _customers(chance: Random) -> str:
    lines = ["Account ID,Account Name,Industry,Employees,Country,Outcome"]
    for number in range(160):
        good = number % 2 == 0
        industry = chance.choice(
            ["Software"] * 6 + ["Retail"] if good else ["Agency"] * 6 + ["Retail"]
        )
        people = chance.randint(150, 900) if good else chance.randint(3, 90)
        country = chance.choice(["Germany", "France", "Spain"])
        outcome = "Best" if good else "Regrettable"
        lines.append(
            f"C-{number},Firm {number},{industry},{people},{country},{outcome}"
        )
    return "\n".join(lines) + "\n"


def _prospects() -> str:
    return (
        "Account ID,Account Name,Industry,Employees,Country\n"
        f'P-1,"{HOSTILE}",Software,400,Germany\n'
        "P-2,Small Agency,Agency,12,France\n"
        "P-3,Who Knows,,,\n"
    )


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    customers, prospects = tmp_path / "customers.csv", tmp_path / "prospects.csv"
    customers.write_text(_customers(Random(3)), encoding="utf-8")
    prospects.write_text(_prospects(), encoding="utf-8")
    return customers, prospects


def _add(seen: Any, file: Path) -> None:
    page = seen.page
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(file))
    seen.press("button", "Add this file", patience=PATIENCE)
    page.get_by_text(f"{file.stem} was added").wait_for(timeout=PATIENCE)
    add = page.get_by_role("button", name="Add this file")
    add.wait_for(state="detached", timeout=PATIENCE)


def test_from_upload_to_a_prospect_explained(
    tmp_path: Path,
    exports: tuple[Path, Path],
    serve: Callable[[Path], str],
    visit: Callable[..., Any],
) -> None:
    folder = tmp_path / "space"
    create_workspace(folder, name="Journey").close()
    seen = visit(serve(folder))
    page = seen.page
    seen.open("/data")

    for file in exports:
        _add(seen, file)
    seen.press("button", "Import all files", patience=PATIENCE)
    page.get_by_text("160 customers, 3 prospects").wait_for(timeout=PATIENCE)

    seen.press("tab", "2 Quality")
    page.get_by_text("Where every line went").wait_for()
    seen.press("tab", "3 Outcomes")
    seen.press("button", "Save labels", patience=PATIENCE)
    page.get_by_text("Saved: 80 best, 80 regrettable").wait_for(timeout=PATIENCE)

    seen.press("tab", "4 Learn and score")
    seen.press("button", "Learn a profile", patience=PATIENCE)
    seen.press("button", "Put v1 in force", patience=PATIENCE)
    seen.press("button", "Score 3 prospects", patience=PATIENCE)
    seen.press("link", "Go to the prospects", patience=PATIENCE)

    grid = page.locator("canvas[data-testid=data-grid-canvas]").first
    grid.wait_for(timeout=PATIENCE)
    # The canvas lies under the layer that scrolls it.
    grid.click(position={"x": 15, "y": 52}, force=True)
    page.wait_for_url("**/prospect?account=*")
    page.locator("[data-testid=stPlotlyChart] .main-svg").first.wait_for(
        state="attached", timeout=PATIENCE
    )
    page.get_by_text("How the points add up").wait_for(timeout=PATIENCE)
    seen.settled()
    assert page.get_by_text(HOSTILE[:40]).count() >= 1
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("a[href*='evil']").count() == 0
    ticks = page.locator(".main-svg text").all_text_contents()
    assert "Where every account starts" in ticks
    seen.assert_clean()
