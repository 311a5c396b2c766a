"""Write a registry from the command line: ``python -m cohort.simulation PATH``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cohort.simulation import SAMPLE_SEED, SAMPLE_SIZE, write_registry


def _main() -> None:
    """Write a registry from the command line; without options, the one of the sample study."""
    parser = argparse.ArgumentParser(description="Write a synthetic registry as CSV.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--patients", type=int, default=SAMPLE_SIZE)
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    asked = parser.parse_args()
    write_registry(asked.path, asked.patients, asked.seed)


if __name__ == "__main__":
    _main()
