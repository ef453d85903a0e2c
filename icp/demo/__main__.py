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
    options = parser.parse_args(arguments)
    if options.rows is None:
        write_demo(options.target, seed=options.seed)
    else:
        write_prospects_parquet(options.target, rows=options.rows, seed=options.seed)


if __name__ == "__main__":
    main()
