"""How long `import icp` and `icp --help` take in a fresh process.

    python -m bench.speed.startup [RUNS]

Medians over fresh processes, files warm, beside starting Python itself in the same
run. Prints a table and writes it to `bench/results/startup.md`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results" / "startup.md"
COMMANDS = {
    "python (nothing)": ("-c", "pass"),
    "import icp": ("-c", "import icp"),
    "import icp; icp.score": ("-c", "import icp; icp.score"),
    "icp --help": (
        "-c",
        "import sys; sys.argv = ['icp', '--help'];from icp.cli import run; run()",
    ),
}
TARGETS = {"import icp": "0.3", "icp --help": "0.5"}


def seconds(arguments: tuple[str, ...], runs: int) -> float:
    """Median wall time of a fresh process."""
    found = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        command = [sys.executable, *arguments]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])


def main() -> None:
    """Measure, print and keep."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = ["| command | median s | to stay under |", "|---|---:|---:|"]
    for name, arguments in COMMANDS.items():
        target = TARGETS.get(name, "")
        lines.append(f"| {name} | {seconds(arguments, runs):.2f} | {target} |")
    text = "\n".join(["# Starting up", "", *lines, ""])
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
