"""Work spread over processes, which gives the same answers in the same order on any number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from cohort.errors import AnalysisError, Problem

Progress = Callable[[int, int], None]
S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")


def spread(
    work: Callable[[S, P], R],
    given: S,
    pieces: Sequence[P],
    *,
    processes: int = 1,
    progress: Progress | None = None,
    what: str = "processes",
) -> Iterator[R]:
    """What `work(given, piece)` gives for each piece, in their order, as they are done.

    Parameters
    ----------
    work
        A function of a module (it is sent to other processes by name).
    given
        What all pieces share; sent to each process once.
    pieces
        Such as seeds, each spawned from one: what is drawn does not depend on the processes.
    processes
        With 1 everything is done here, and nothing is sent anywhere.
    progress
        Called with (pieces done, pieces in all).
    what
        Where a process that ended early was asked for, for the message.

    Raises
    ------
    AnalysisError
        Where a process ended before its work was done.
    """
    for done, result in enumerate(_results(work, given, pieces, processes, what), start=1):
        if progress is not None:
            progress(done, len(pieces))
        yield result


def _results(
    work: Callable[[S, P], R], given: S, pieces: Sequence[P], processes: int, what: str
) -> Iterator[R]:
    if processes <= 1 or len(pieces) < 2:
        for piece in pieces:
            yield work(given, piece)
        return
    # A new interpreter each: a fork would copy the locks of running threads.
    context = get_context("spawn")
    share = max(1, len(pieces) // (8 * processes))
    try:
        with ProcessPoolExecutor(
            processes, context, initializer=_begin, initargs=(work, given)
        ) as pool:
            yield from pool.map(_piece, pieces, chunksize=share)
    except BrokenProcessPool:
        found = "a process ended before its work was done"
        advice = (
            "In a script of your own guard the main program (if __name__ == '__main__':), or "
            "ask for one process."
        )
        raise AnalysisError(Problem(what, found, advice=advice)) from None


_OF_THIS_PROCESS: list[tuple[Callable[[Any, Any], Any], Any]] = []


def _begin(work: Callable[[Any, Any], Any], given: Any) -> None:
    """Gives a new process what all its pieces share once, rather than with each piece."""
    _OF_THIS_PROCESS[:] = [(work, given)]


def _piece(piece: Any) -> Any:
    work, given = _OF_THIS_PROCESS[0]
    return work(given, piece)
