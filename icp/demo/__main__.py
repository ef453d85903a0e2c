"""`python -m icp.demo FOLDER`: write the demo workspace; `--rows N FILE`: prospects."""

from __future__ import annotations

import argparse

from icp.demo import write_demo, write_prospects_parquet


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments and write what they ask for."""
    parser = argparse.ArgumentParser(prog="python -m icp.demo")
    parser.add_argument("target", help="folder to write, or Parquet file with --rows")
    parser.add_argument("--rows", type=int, help="write that many prospects as Parquet")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args(arguments)
    if chosen.rows is None:
        write_demo(chosen.target, seed=chosen.seed)
    else:
        write_prospects_parquet(chosen.target, rows=chosen.rows, seed=chosen.seed)


if __name__ == "__main__":
    main()
