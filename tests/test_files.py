"""Writing: whole or not at all, and nothing left behind."""

import io
import os
import stat
import threading
from pathlib import Path

import pytest

from neurocodec import files, locks
from neurocodec.errors import BadInputError, OutputError


def test_an_existing_file_is_replaced_and_keeps_its_mode(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(0o640)
    files.write(str(target), b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_that_others_have(tmp_path):
    files.write(str(tmp_path / "a"), b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("name", ["with space", "-dash", "new\nline", os.fsdecode(b"\xff\xfe")])
def test_any_name_works(tmp_path, name):
    path = str(tmp_path / name)
    files.write(path, b"data")
    assert files.read(path) == b"data"
    assert "\n" not in files.display(path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    files.write(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    files.write(str(tmp_path / "pipe"), b"through")
    reader.join()
    assert got == [b"through"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match=r"a: cannot be written \(No space left on device\)"):
        files.write(str(target), b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_an_output_error():
    with pytest.raises(OutputError, match="No space left"):
        files.write("/dev/full", b"x" * 100_000)


def test_no_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"there is no folder .*no: make it"):
        files.write(str(tmp_path / "no" / "a"), b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        files.make_folder(tmp_path / "file" / "below")


def test_what_cannot_be_read_is_bad_input(tmp_path):
    for path in (tmp_path / "absent", tmp_path, "a\0b"):
        with pytest.raises(BadInputError, match="cannot be read"):
            files.read(str(path))
    assert files.head(tmp_path / "absent", 4) == b""


def test_standard_input_is_named_where_it_cannot_be_read(monkeypatch):
    class Folder(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise IsADirectoryError(21, "Is a directory")

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Folder()))
    with pytest.raises(BadInputError, match=r"^standard input: cannot be read \(Is a directory\)"):
        files.read("-")


def test_a_file_has_its_content_before_it_has_its_name(tmp_path, monkeypatch):
    replace, seen = Path.replace, []

    def look(self, target):
        seen.append(self.read_bytes())
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    files.write(str(tmp_path / "a"), b"content")
    assert seen == [b"content"]


def test_what_a_killed_process_was_writing_goes_and_what_a_living_one_writes_stays(tmp_path):
    stale, fresh, other = (
        tmp_path / name for name in (".neurocodec-1.tmp", ".neurocodec-2.tmp", "x")
    )
    for path in (stale, fresh, other):
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    with fresh.open("rb") as file:
        assert locks.take(file)
        files.remove_stale(tmp_path)
    assert not stale.exists()
    assert fresh.exists()
    assert other.exists()
    young = tmp_path / ".neurocodec-3.tmp"
    young.write_bytes(b"x")
    files.remove_stale(tmp_path)
    assert young.exists()
