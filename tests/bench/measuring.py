"""Time, processor and memory of a piece of work, and what another process said of it."""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """One piece of work done by one program: the best seconds of the repeats."""

    seconds: float
    processor: float | None
    extra_mb: float | None
    answer: tuple[float, ...] = ()
    version: str = ""
    absent: str = ""


def say(line: str) -> None:
    """One line on the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def peak_mb() -> float | None:
    """Highest resident size of this process so far, in MB; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def processor() -> float:
    """Seconds of processor that this process has used, on all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def best(work: Callable[[], tuple[float, ...]], repeats: int) -> Measured:
    """The best of the repeats, the memory beyond what was held, and the answer."""
    gc.collect()
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5", encoding="ascii")
    before = peak_mb()
    answer: tuple[float, ...] = ()
    seconds = used = float("inf")
    for _ in range(repeats):
        start, clock = time.perf_counter(), processor()
        answer = work()
        seconds = min(seconds, time.perf_counter() - start)
        used = min(used, processor() - clock)
    after = peak_mb()
    extra = None if before is None or after is None else after - before
    return Measured(seconds, used, extra, answer)


def absent(why: str) -> Measured:
    """A program that is not here."""
    return Measured(float("nan"), None, None, absent=why)


def answered(command: Sequence[str]) -> Measured:
    """What a process answered on its last line, as JSON; or why it did not."""
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return absent(words[-1])
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Measured(**said | {"answer": tuple(said["answer"])})
