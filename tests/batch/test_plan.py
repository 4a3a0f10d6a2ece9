"""Which files are meant, and where their results go."""

import os
from pathlib import Path

import pytest

from neurocodec.batch import plan
from neurocodec.errors import BadInputError, UsageError


def is_picture(path: Path) -> bool:
    return path.suffix == ".png"


def to_bpg(place: Path) -> Path:
    return place.with_suffix(".bpg")


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def planned(inputs, output=None, *, listed=(), recursive=False, name=to_bpg):
    found = plan.find(
        map(str, inputs), listed=listed, accepts=is_picture, recursive=recursive, output=output
    )
    return [(job.source, job.target) for job in plan.plan(found, output, name)]


def test_one_file_goes_beside_itself_or_where_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "d/a.png", "out/x")
    assert planned(["d/a.png"]) == [("d/a.png", "d/a.bpg")]
    assert planned(["d/a.png"], "b.x") == [("d/a.png", "b.x")]
    assert planned(["d/a.png"], "b") == [("d/a.png", "b/a.bpg")]  # a folder to be
    assert planned(["d/a.png"], "out") == [("d/a.png", "out/a.bpg")]
    assert planned(["d/a.png"], "new/") == [("d/a.png", "new/a.bpg")]
    assert planned(["-"]) == [("-", "-")]
    assert planned(["-"], "b.bpg") == [("-", "b.bpg")]


def test_a_folder_is_mirrored_in_order_and_others_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "d/b.png", "d/a.png", "d/notes.txt", "d/sub/c.png", "d/sub/deep/e.png")
    assert planned(["d"], "o") == [("d/a.png", "o/a.bpg"), ("d/b.png", "o/b.bpg")]
    assert [target for _, target in planned(["d"], "o", recursive=True)] == [
        "o/a.bpg",
        "o/b.bpg",
        "o/sub/c.bpg",
        "o/sub/deep/e.bpg",
    ]
    found = plan.find(["d"], accepts=is_picture, recursive=True)
    assert found.ignored == 1


def test_the_output_folder_inside_the_input_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "d/a.png", "d/out/a.png")
    assert planned(["d"], "d/out", recursive=True) == [("d/a.png", "d/out/a.bpg")]


def test_a_list_keeps_its_folders_below_the_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = ["x/a.png", "y/a.png", "/abs/b.png", "../up/c.png"]
    assert [target for _, target in planned([], "o", listed=listed)] == [
        "o/x/a.bpg",
        "o/y/a.bpg",
        "o/b.bpg",
        "o/c.bpg",
    ]


def test_a_list_of_one_still_means_a_folder(tmp_path):
    assert planned([], str(tmp_path / "o"), listed=["a.png"])[0][1] == str(tmp_path / "o/a.bpg")


def test_results_that_would_share_a_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "a.png", "a.jpg")
    with pytest.raises(UsageError, match=r"a\.png and a\.jpg would both become a\.bpg.*--keep-ext"):
        planned(["a.png", "a.jpg"])
    with pytest.raises(UsageError, match="would both become"):
        planned(["a.png", "a.png"], name=lambda place: place.with_name(place.name + ".bpg"))


def test_an_input_is_never_a_result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "a.png", "b.png")
    (tmp_path / "soft").symlink_to("b.png")
    for inputs, output in [(["a.png"], "a.png"), (["a.png", "b.png"], None), (["b.png"], "soft")]:
        with pytest.raises(UsageError, match="is an input"):
            planned(inputs, output, name=lambda place: place.with_name("b.png"))


def test_many_results_need_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "a.png", "b.png", "file")
    with pytest.raises(UsageError, match="-o file is a file"):
        planned(["a.png", "b.png"], "file")
    with pytest.raises(UsageError, match="-o - takes one result, not 2"):
        planned(["a.png", "b.png"], "-")
    with pytest.raises(UsageError, match="standard input has no name"):
        planned(["-"], "o/")


def test_pending_leaves_out_what_is_there(tmp_path):
    make(tmp_path, "a.bpg")
    there = plan.Job("a.png", str(tmp_path / "a.bpg"))
    absent = plan.Job("b.png", str(tmp_path / "b.bpg"))
    assert list(plan.pending([there, absent])) == [absent]


def test_hidden_entries_of_a_folder_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "d/a.png", "d/._a.png", "d/.cache/b.png", "d/__MACOSX/c.png", "d/e/f.png")
    assert planned(["d"], "out", recursive=True) == [
        ("d/a.png", "out/a.bpg"),
        ("d/e/f.png", "out/e/f.bpg"),
    ]
    assert planned(["d/._a.png"], "out/") == [("d/._a.png", "out/._a.bpg")]


def test_shards_are_disjoint_and_together_all_wherever_the_folder_is():
    places = [Path("sub", f"{number}.png") for number in range(200)]

    def parts(root, count):
        sources = [plan.Source(f"{root}/{place}", place) for place in places]
        return [
            [source.place for source in plan.shard(sources, number, count)]
            for number in range(1, count + 1)
        ]

    for count in (1, 3, 8):
        shards = parts("in", count)
        assert sorted(place for one in shards for place in one) == sorted(places)
        assert all(len(one) > 200 / count / 2 for one in shards)
        assert shards == parts("/elsewhere/in", count)


def test_a_folder_below_that_cannot_be_looked_into_costs_itself_only(tmp_path, monkeypatch):
    make(tmp_path, "d/a.png", "d/closed/b.png", "d/open/c.png")
    scandir = plan.os.scandir

    def refuse(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(plan.os, "scandir", refuse)
    named = [str(tmp_path / "d")]
    found = plan.find(named, accepts=is_picture, recursive=True)
    assert [Path(source.path).name for source in found.sources] == ["a.png", "c.png"]
    ((path, error),) = found.unread
    assert path.endswith("closed")
    assert "Permission denied" in str(error)
    with pytest.raises(BadInputError, match="closed"):
        plan.find([str(tmp_path / "d" / "closed")], accepts=is_picture)


def test_only_regular_files_are_taken_from_folders(tmp_path):
    make(tmp_path, "d/a.png")
    os.mkfifo(tmp_path / "d" / "b.png")
    (tmp_path / "d" / "c.png").symlink_to("a.png")
    (tmp_path / "d" / "e.png").symlink_to("nowhere")

    found = plan.find([str(tmp_path / "d")], accepts=is_picture)

    assert [Path(source.path).name for source in found.sources] == ["a.png", "c.png"]
    assert found.ignored == 2
