"""Outputs are swapped in whole; a failure leaves what was there; nothing foreign is replaced."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from analyses.report import output
from analyses.report.output import check_folder, fresh_folder, write_file_beside
from cohort.errors import DataError, SpecError

MANIFEST = json.dumps({"version": 1, "software": {"her2low": "0.1.0"}})
ROOT = not hasattr(os, "geteuid") or os.geteuid() == 0


def earlier(folder: Path, text: str = "earlier") -> Path:
    """An output of ours, as an earlier run leaves it."""
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "a.csv").write_text(text)
    (folder / "manifest.json").write_text(MANIFEST)
    (folder / "report.pdf").write_text(text)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write(out: Path, text: str = "new") -> None:
    with fresh_folder(out) as folder:
        earlier(folder / "x", text)
        for path in (folder / "x").iterdir():
            path.rename(folder / path.name)
        (folder / "x").rmdir()


def test_a_new_folder_takes_the_place_with_its_parents(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "out")
    assert contents(tmp_path) == {
        "a/b/out/manifest.json": MANIFEST,
        "a/b/out/report.pdf": "new",
        "a/b/out/tables/a.csv": "new",
    }


def test_an_earlier_output_is_replaced_whole(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (out / "findings.csv").write_text("no longer written")
    write(out)
    assert set(contents(tmp_path)) == {
        "out/manifest.json", "out/report.pdf", "out/tables/a.csv",
    }  # fmt: skip
    assert (out / "report.pdf").read_text() == "new"


def test_the_output_stands_untouched_while_the_new_one_is_made(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    with fresh_folder(out) as folder:
        assert folder.parent == out.parent
        assert list(folder.iterdir()) == []
        assert (out / "report.pdf").read_text() == "earlier"
        (folder / "manifest.json").write_text(MANIFEST)
    assert contents(out) == {"manifest.json": MANIFEST}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, DataError])
def test_a_failure_leaves_the_earlier_output_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    out = earlier(tmp_path / "out")
    before = contents(tmp_path)
    raised = error(()) if error is DataError else error("stop")  # type: ignore[call-arg]

    def die_halfway() -> None:
        with fresh_folder(out) as folder:
            (folder / "report.pdf").write_text("half")
            raise raised

    with pytest.raises(error):
        die_halfway()
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_no_folder_that_was_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), fresh_folder(tmp_path / "a" / "b" / "out"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert (tmp_path / "out" / "report.pdf").read_text() == "new"


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.docx": "years of work"},
        {"manifest.json": "{}", "index.html": ""},
        {"manifest.json": "[1]"},
        {"manifest.json": "not json"},
        {"manifest.json": '{"software": "her2low"}'},
        {"manifest.json": '{"software": {"other": "1.0"}}'},
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name, text in files.items():
        (out / name).write_text(text)
    with pytest.raises(SpecError, match="not an output of her2low"):
        write(out)
    assert contents(out) == files


def test_a_users_file_in_an_earlier_output_is_not_deleted(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (out / "notes.docx").write_text("mine")
    with pytest.raises(SpecError, match=r"beside an earlier output it holds notes\.docx"):
        write(out)
    assert (out / "notes.docx").read_text() == "mine"


def test_litter_of_file_browsers_does_not_count(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (out / ".DS_Store").write_text("")
    write(out)
    assert not (out / ".DS_Store").exists()


def test_a_file_a_link_and_the_current_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("text")
    earlier(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, said in (("file", "a file"), ("link", "a link"), ("dangling", "a link")):
        with pytest.raises(SpecError, match=f"--out .*{name}: {said}"):
            write(tmp_path / name)
    inside = tmp_path / "real" / "tables"
    monkeypatch.chdir(inside)
    for name in (".", "..", "../.."):
        with pytest.raises(SpecError, match="the folder you are in"):
            write(Path(name))


def test_a_folder_above_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(SpecError, match="no path that can be made"):
        write(tmp_path / "file" / "out")


def test_inputs_inside_the_output_are_refused(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    with pytest.raises(SpecError, match=r"'a\.csv', which the study reads, lies in this folder"):
        check_folder(out, inputs=[out / "tables" / "a.csv"])
    assert check_folder(out, inputs=[tmp_path / "a.csv"]) == out


def test_a_crash_between_the_two_moves_is_mended_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = earlier(tmp_path / "out")
    out.rename(tmp_path / "out.old")
    assert check_folder(out) == out
    assert (out / "report.pdf").read_text() == "earlier"
    assert not (tmp_path / "out.old").exists()
    # The crash came after the second move: the new output counts, the old one goes.
    earlier(tmp_path / "out.old", "older")
    check_folder(out)
    assert (out / "report.pdf").read_text() == "earlier"
    assert not (tmp_path / "out.old").exists()
    monkeypatch.chdir(tmp_path)
    write(Path("out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_second_move_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = earlier(tmp_path / "out")
    before = contents(tmp_path)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == ".out.new":
            raise OSError(errno.EIO, "broken disk", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="broken disk"):
        write_only(out)
    assert contents(tmp_path) == before


def write_only(out: Path) -> None:
    with fresh_folder(out) as folder:
        (folder / "manifest.json").write_text(MANIFEST)


def test_a_users_folder_with_the_name_of_the_old_output_is_not_deleted(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old" / "mine.txt").write_text("mine")
    with pytest.raises(SpecError, match=r"'out\.old' stands beside it"):
        write(out)
    assert (tmp_path / "out.old" / "mine.txt").read_text() == "mine"
    shutil.rmtree(out)
    write(out)
    assert (tmp_path / "out.old" / "mine.txt").read_text() == "mine"


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".out.new").mkdir()
    (tmp_path / ".out.new" / "half.pdf").write_text("half")
    write(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert not (tmp_path / "out" / "half.pdf").exists()


def test_a_second_run_to_the_same_folder_is_refused(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "out") as folder:
        with pytest.raises(SpecError, match="another run is writing to this folder"):
            write(tmp_path / "out")
        (folder / "manifest.json").write_text(MANIFEST)
    assert contents(tmp_path / "out") == {"manifest.json": MANIFEST}


def test_a_full_disk_is_a_data_error_and_changes_nothing(tmp_path: Path) -> None:
    out = earlier(tmp_path / "out")
    before = contents(tmp_path)
    with pytest.raises(DataError, match="the disk is full"), fresh_folder(out) as folder:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "report.pdf"))
    assert contents(tmp_path) == before


def test_a_refusal_of_the_system_is_told_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(SpecError, match="out: may not be written here"),
        fresh_folder(tmp_path / "out") as folder,
    ):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "report.pdf"))


def test_an_error_that_is_not_about_the_output_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), fresh_folder(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/registry.csv")


@pytest.mark.skipif(ROOT, reason="permissions do not bind this user")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SpecError, match="may not be written here"):
        write(tmp_path / "out")
    tmp_path.chmod(0o700)


def test_where_the_system_has_no_locks_a_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_lock", lambda _: None)
    write(tmp_path / "out")
    assert (tmp_path / "out" / "report.pdf").read_text() == "new"


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "status.csv"
    with write_file_beside(out) as new:
        assert new.suffix == ".csv"
        new.write_text("first")

    def die_halfway() -> None:
        with write_file_beside(out) as new:
            new.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        die_halfway()
    assert contents(tmp_path) == {"status.csv": "first"}


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    data = tmp_path / "registry.csv"
    data.write_text("patients")
    other = tmp_path / "other.csv"
    other.hardlink_to(data)
    for name in (data, other, tmp_path / "." / "registry.csv"):
        with (
            pytest.raises(SpecError, match="Inputs are never replaced"),
            write_file_beside(name, inputs=[data]) as new,
        ):
            new.write_text("status")
    assert data.read_text() == "patients"


def test_a_file_has_a_folder_and_is_no_folder_or_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "x.csv")
    for path, said in (
        (tmp_path / "absent" / "a.csv", "there is no folder 'absent'"),
        (tmp_path, "a folder"),
        (tmp_path / "link.csv", "not an ordinary file"),
    ):
        with pytest.raises(SpecError, match=said), write_file_beside(path) as new:
            new.write_text("x")
