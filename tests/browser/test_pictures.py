"""`ICP_PICTURES=docs/pictures pytest -m browser tests/browser/test_pictures.py`.

Visits every page of the demo, light and dark, narrow and wide; with ICP_PICTURES set
the pictures are kept there.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from icp.demo import write_demo
from icp.workflow import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Picture -> path, and how tall the page is.
PAGES = {
    "home": ("/", 1500),
    "prospects": ("/prospects", 1150),
    "prospect": ("/prospect", 2600),
    "verdict": ("/prospect?account=P-20003", 1250),
    "prospect-form": ("/prospect?way=Fill+in+a+form", 1300),
    "outliers": ("/outliers", 1900),
    "profile-segments": ("/profile", 1400),
    "profile-attributes": ("/profile?tab=Attributes", 1500),
    "profile-evidence": ("/profile?tab=Evidence", 1500),
    "profile-versions": ("/profile?tab=Versions", 1000),
    "profile-card": ("/profile?tab=Card", 1800),
    "disqualifiers": ("/disqualifiers", 1900),
    "import-files": ("/data", 900),
    "import-quality": ("/data?step=2+Quality", 1500),
    "import-outcomes": ("/data?step=3+Outcomes", 1300),
    "import-learn": ("/data?step=4+Learn+and+score", 900),
}
#: The width of a phone.
PHONE = 390
PICTURES = os.environ.get("ICP_PICTURES")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], str]) -> str:
    folder = Path(
        os.environ.get("ICP_WORKSPACE") or tmp_path_factory.mktemp("d") / "demo"
    )
    if not (folder / "icp.toml").exists():
        size = {} if PICTURES else {"customers": 300, "prospects": 200}
        write_demo(folder, **size)
        with open_workspace(folder) as space:
            space.imports.run()
            space.labels.label()
            space.profiles.activate(space.profiles.learn().version)
            space.scores.run()
            space.rules.search()
    return serve(folder)


@pytest.fixture(scope="module", params=product(PAGES, ("light", "dark")), ids="-".join)
def page(
    request: pytest.FixtureRequest, demo: str, window: Callable[..., Any]
) -> Iterator[tuple[str, Any]]:
    """A page in one scheme, opened once and then shown in several widths."""
    name, scheme = request.param
    path, height = PAGES[name]
    visit = window(demo, height=height, scheme=scheme)
    visit.open(path)
    yield f"{name}-{scheme}", visit
    visit.page.context.close()


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_page_is_clean(page: tuple[str, Any], width: int) -> None:
    name, visit = page
    height = visit.page.viewport_size["height"]
    visit.page.set_viewport_size({"width": width, "height": height})
    assert_fits(visit)
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_clean_on_a_phone(
    demo: str, visit: Callable[..., Any], name: str
) -> None:
    path, height = PAGES[name]
    phone = visit(demo, width=PHONE, height=height)
    phone.open(path)
    assert_fits(phone)


def assert_fits(visit: Any) -> None:
    """Nothing failed, and no part scrolls sideways."""
    visit.page.wait_for_timeout(700)  # charts fade in after the script has ended
    visit.settled()
    assert visit.page.get_by_test_id("stAlertContentError").count() == 0
    across = "e => e.scrollWidth <= e.clientWidth"
    for part in ("html", "[data-testid=stMain]"):
        assert visit.page.locator(part).evaluate(across)
    visit.assert_clean()


def test_a_reason_typed_just_before_the_click_counts(
    demo: str, visit: Callable[..., Any]
) -> None:
    """The click comes before the run that the field's last word asks for."""
    seen = visit(demo)
    seen.open("/disqualifiers")
    seen.page.get_by_label("Reason, for the log").first.click()
    seen.page.keyboard.type("let us see")
    seen.page.get_by_role("button", name="Watch only").first.click()
    seen.page.get_by_text("It is now under").wait_for(timeout=60_000)
    seen.assert_clean()
