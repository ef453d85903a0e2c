from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = Path(__file__).parents[2] / "icp" / "dashboard" / "app.py"
CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000


@dataclass
class Visit:
    """A browser page that remembers what must not happen."""

    page: Any
    url: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> None:
        self.page.goto(self.url + path)
        self.settled()

    def settled(self) -> None:
        """Wait until a script has run to its end and nothing is drawn any more."""
        self.page.wait_for_selector(".st-key-page", timeout=PATIENCE)
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]')"
            "?.getAttribute('data-test-script-state') === 'notRunning'",
            timeout=PATIENCE,
        )
        self.page.wait_for_function(
            "() => !document.querySelector('[data-testid=stSkeleton]')"
            " && [...document.querySelectorAll('[data-testid=stPlotlyChart]')]"
            ".every(chart => chart.querySelector('.main-svg'))",
            timeout=PATIENCE,
        )

    def press(self, role: str, name: str, *, patience: int = PATIENCE) -> None:
        """Click what is there once nothing moves any more.

        A page still being drawn may move between the press and the release of the
        button; no hand is as quick as that, a script is.
        """
        found = self.page.get_by_role(role, name=name)
        found.wait_for(timeout=patience)
        self.settled()
        found.click()

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.foreign == []
        assert self.page.get_by_test_id("stException").count() == 0


def _watch(visit: Visit) -> None:
    def seen(request: Any) -> None:
        local = request.url.startswith((visit.url, "data:", "blob:", "about:"))
        socket = request.url.startswith(visit.url.replace("http", "ws", 1))
        if not (local or socket):
            visit.foreign.append(request.url)

    def said(message: Any) -> None:
        # On a deep link Streamlit's own client looks for its health page below the
        # link first; the server's answer is the one error that is not ours.
        probe = "_stcore" in str(message.location.get("url", ""))
        if message.type == "error" and not probe:
            visit.errors.append(message.text)

    visit.page.on("request", seen)
    visit.page.on("console", said)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """Start the dashboard on a workspace; returns its address."""
    started: list[subprocess.Popen[str]] = []

    def start(workspace: Path, *options: str, port: int = 0) -> str:
        command = [sys.executable, "-m", "streamlit", "run", str(APP)]
        command += ["--server.port", str(port), *options, "--", str(workspace)]
        environment = {
            **os.environ,
            "POLARS_MAX_THREADS": "1",
            "PYTHONPATH": str(APP.parents[2]),
        }
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tempfile.gettempdir(),
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"started on 127\.0\.0\.1:(\d+)", line):
                threading.Thread(
                    target=lambda: [None for _ in process.stdout or ()], daemon=True
                ).start()
                return f"http://127.0.0.1:{found[1]}"
        message = "the dashboard did not start"
        raise AssertionError(message)

    yield start
    for process in started:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("needs /usr/bin/chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), headless=True, args=ARGS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(chromium: Any) -> Callable[..., Visit]:
    """Open a fresh browser window on an address; who opens it closes its context."""

    def open_window(
        url: str, *, width: int = 1280, height: int = 1600, scheme: str = "light"
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        visit = Visit(page=context.new_page(), url=url)
        _watch(visit)
        return visit

    return open_window


@pytest.fixture
def visit(window: Callable[..., Visit]) -> Iterator[Callable[..., Visit]]:
    """Open windows that the end of the test closes."""
    visits: list[Visit] = []

    def open_window(url: str, **options: Any) -> Visit:
        visits.append(window(url, **options))
        return visits[-1]

    yield open_window
    for visit in visits:
        visit.page.context.close()
