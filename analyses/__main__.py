"""``python -m analyses``: the same as the command ``her2low``."""

from __future__ import annotations

from analyses.cli import main

if __name__ == "__main__":
    main()
