"""Cox models whose rows are not held: streamed from DuckDB, or summed on Spark's executors."""

from analyses.blocks.cox import cox_blocks

__all__ = ["cox_blocks"]
