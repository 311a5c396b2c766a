"""Outputs written beside their target and swapped in whole: a failure leaves what was there."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from cohort.errors import DataError, Her2LowError, Problem, SpecError, listed

# The report in each form.
FILES = MappingProxyType({"pdf": "report.pdf", "html": "report.html", "docx": "tables.docx"})
# What a run leaves in its folder. A folder with anything else in it is never replaced.
OUTPUTS = (
    *FILES.values(),
    "figures",
    "tables",
    "results.json",
    "findings.csv",
    "manifest.json",
)
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def fresh_folder(out: str | Path, *, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """A new empty folder that takes the place of `out` when the block ends well.

    The folder is made beside `out`. At the end `out` is moved to ``out.old``, the new folder to
    `out`, and ``out.old`` is removed; a run that died between the two moves is mended when the
    next one starts. Where the block raises, the new folder is removed and `out` stays as it was.

    Parameters
    ----------
    out
        Folder for the outputs: absent, empty, or an earlier output. Missing folders above it are
        made.
    inputs
        Files that must not lie in `out`.

    Raises
    ------
    SpecError
        Where `out` is something else, or may not be written.
    DataError
        Where the disk is full or a file in `out` is held by another program.
    """
    target = check_folder(out, inputs=inputs)
    made = _make_parents(target.parent)
    new = target.with_name(f".{target.name}.new")
    try:
        with _claimed(new), _told(target):
            yield new
            _swap(new, target)
    finally:
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()


def check_folder(out: str | Path, *, inputs: Sequence[Path] = ()) -> Path:
    """The absolute path of a folder that may be replaced; first mends an interrupted swap.

    Raises SpecError where `out` is a file, a link, the current folder or one above it, holds
    anything that is not an earlier output of ours, or holds one of the inputs.
    """
    target = Path(os.path.abspath(out))  # noqa: PTH100  resolve() would follow a link
    where = f"--out {out}"
    if Path.cwd().is_relative_to(target):
        raise _refused(where, "the folder you are in, or one above it", "Name a folder in it.")
    with _told(target):
        _mend(target)
        if target.is_symlink():
            raise _refused(where, "a link", "Name the folder that it leads to.")
        if not target.exists():
            return target
        if not target.is_dir():
            raise _refused(where, "a file", "Name a folder.")
        _check_contents(target, where)
    for path in inputs:
        if path.resolve().is_relative_to(target.resolve()):
            found = f"'{path.name}', which the study reads, lies in this folder"
            raise _refused(where, found, "Name another folder.")
    return target


@contextmanager
def write_file_beside(out: str | Path, *, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """A path to write to, which takes the place of `out` when the block ends well.

    Where the block raises, `out` stays as it was.

    Parameters
    ----------
    out
        The file to make or replace; its folder must exist.
    inputs
        Files that must not be replaced.

    Raises
    ------
    SpecError
        Where `out` is an input, a folder, a link, or may not be written.
    DataError
        Where the disk is full or `out` is held by another program.
    """
    target = check_file(out, inputs=inputs)
    new = target.with_name(f".{target.stem}.new{target.suffix}")
    with _told(target):
        try:
            yield new
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)


def check_file(out: str | Path, *, inputs: Sequence[Path] = ()) -> Path:
    """The absolute path of a file that may be made or replaced; SpecError where it may not."""
    target = Path(os.path.abspath(out))  # noqa: PTH100  resolve() would follow a link
    where = f"--out {out}"
    if not target.parent.is_dir():
        raise _refused(where, f"there is no folder '{target.parent.name}'", "Make it first.")
    if target.is_dir():
        raise _refused(where, "a folder", "Name a file in it.")
    for path in inputs:
        if target.exists() and path.exists() and target.samefile(path):
            raise _refused(where, "one of the files read", "Inputs are never replaced.")
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise _refused(where, "not an ordinary file", "Name a file of its own.")
    return target


def _check_contents(folder: Path, where: str) -> None:
    """Refuse a folder with anything in it that a run of ours has not made."""
    names = sorted(item.name for item in folder.iterdir())
    if not names or _is_ours(folder):
        foreign = [name for name in names if name not in (*OUTPUTS, *_LITTER)]
        if foreign:
            found = f"beside an earlier output it holds {listed(foreign, 5)}"
            raise _refused(where, found, "Move it elsewhere: the folder is replaced as a whole.")
        return
    found = f"not an output of her2low; it holds {listed(names, 5)}"
    raise _refused(where, found, "Name a new folder, or an empty one.")


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty, or holds the manifest that every run writes."""
    if not any(folder.iterdir()):
        return True
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return False
    software = manifest.get("software") if isinstance(manifest, dict) else None
    return isinstance(software, dict) and "her2low" in software


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.old")


def _mend(target: Path) -> None:
    """Finish or take back a swap that was interrupted between its two moves."""
    old = _old(target)
    if not old.is_dir() or old.is_symlink():
        return
    if not _is_ours(old):
        if target.exists():
            found = f"'{old.name}' stands beside it and is not an output of her2low"
            raise _refused(f"--out {target.name}", found, "Move it elsewhere: its name is needed.")
    elif target.exists():
        shutil.rmtree(old)
    else:
        old.rename(target)


def _swap(new: Path, target: Path) -> None:
    """Move the earlier output away, the new one in, and remove the earlier one."""
    old = _old(target)
    if not target.exists():
        new.rename(target)
        return
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    # Whatever cannot be removed now is removed by the next run; the new output is whole.
    shutil.rmtree(old, ignore_errors=True)


def _make_parents(folder: Path) -> list[Path]:
    """Make the folders above an output; those that were made, the innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        with _told(each):
            each.mkdir()
    return missing


@contextmanager
def _claimed(new: Path) -> Iterator[None]:
    """The folder made, empty, and held against another run; removed if it is still there."""
    with _told(new):
        try:
            new.mkdir()
        except FileExistsError:
            handle = _lock(new)  # refuses where a run holds it; else a run died and left it
            shutil.rmtree(new)
            _unlock(handle)
            new.mkdir()
        handle = _lock(new)
    try:
        yield
    finally:
        _unlock(handle)
        shutil.rmtree(new, ignore_errors=True)


def _lock(folder: Path) -> int | None:
    """A lock on a folder, None where the system has none; SpecError where another run holds it."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        advice = "Wait for it to end, or name another folder."
        raise _refused("--out", "another run is writing to this folder", advice) from None
    except OSError:  # some network drives have no locks
        os.close(handle)
        return None
    return handle


def _unlock(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What the operating system refuses around an output, in plain words."""
    try:
        yield
    except OSError as error:
        known = _in_words(error, target)
        if known is None:
            raise
        raise known from error


def _in_words(error: OSError, target: Path) -> Her2LowError | None:
    """The error told to a person; None where it is not about the output."""
    if error.errno in _FULL:
        advice = "Free some space, or name a folder on another disk."
        return DataError(Problem(target.name, "the disk is full", advice=advice))
    named = [str(name) for name in (error.filename, error.filename2) if name is not None]
    if not any(Path(name).is_relative_to(target.parent) for name in named):
        return None
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        if target.exists() and sys.platform == "win32":
            advice = "Close the program that has a file in it open, and run again."
            return DataError(Problem(target.name, "held by another program", advice=advice))
        advice = "Look at the permissions of its folder, or name another."
        return _refused(f"--out {target.name}", "may not be written here", advice)
    if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EINVAL):
        return _refused(f"--out {target.name}", "no path that can be made", "Name another.")
    return None


def _refused(where: str, found: str, advice: str) -> SpecError:
    return SpecError(Problem(where, found, advice=advice))
