"""Import and learn: files, their columns, quality, outcomes, a profile, scores."""

from __future__ import annotations

from icp.dashboard import components, files, learning, outcomes, session


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Import and learn",
        "From your exports to a profile: bring the files in, check them, say what best "
        "means, learn.",
    )
    space = session.workspace()
    components.tabs(
        {
            "1 Files": lambda: files.draw(space),
            "2 Quality": lambda: files.draw_quality(space),
            "3 Outcomes": lambda: outcomes.draw(space),
            "4 Learn and score": lambda: learning.draw(space),
        },
        key="step",
    )
