"""The independent programs by name and version, kept quiet."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version

import numpy as np

LIBRARIES = ("lifelines.statistics", "statsmodels.duration.api", "statsmodels.stats.multitest")
COUNTS = "counts by pandas"
SUMS = "sums written for this check"


def statsmodels(function: str) -> str:
    """``statsmodels 0.15.0 PHReg``."""
    return f"statsmodels {version('statsmodels')} {function}"


def lifelines(function: str) -> str:
    """``lifelines 0.30.3 concordance_index``."""
    return f"lifelines {version('lifelines')} {function}"


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings of the libraries: what is undefined in them is compared as such."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            import_module(name)
        # Once more: they set filters of their own when they are imported.
        warnings.simplefilter("ignore")
        yield


def running(error: BaseException) -> str:
    """The program that an error comes out of."""
    named, trace = SUMS, error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        function = trace.tb_frame.f_code.co_name
        if module in ("lifelines", "statsmodels") and named == SUMS:
            named = lifelines(function) if module == "lifelines" else statsmodels(function)
        trace = trace.tb_next
    return named
