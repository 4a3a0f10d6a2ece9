"""A results file that a killed run leaves, and the run that goes on in it."""

import pytest

from neurocodec.codecs import Level
from neurocodec.errors import BadInputError, OutputError, UsageError
from neurocodec.evaluation import results
from neurocodec.evaluation.journal import opened
from neurocodec.evaluation.results import PictureResult, Point, Setup

SETUP = Setup("d", 2, "s", "classification", "m", "h", "bpg", "x 1", "420", "none", "", "0")


def point(qp: int) -> tuple[Point, list[PictureResult]]:
    level = {"setup": SETUP, "level": Level("qp", qp)}
    pictures = [
        PictureResult(
            **level, picture=name, width=8, height=8, size_bytes=9, bpp=1.1, scores={"kl": -0.5}
        )
        for name in ("a", "b")
    ]
    return Point(**level, bpp=1.1, scores={"kl": -0.5}), pictures


def write(path, qps, per_image=True):
    with opened(path, per_image=per_image) as journal:
        for qp in qps:
            journal.add(*point(qp))


def test_lines_are_pictures_then_their_point(tmp_path):
    write(tmp_path / "r", [30, 34])
    kinds = [type(r) for r in results.load((tmp_path / "r").read_text().splitlines(), "r")]
    assert kinds == [PictureResult, PictureResult, Point] * 2


def test_what_was_done_is_known_again(tmp_path):
    write(tmp_path / "r", [30, 34])
    with opened(tmp_path / "r", per_image=True) as journal:
        assert journal.done == {(SETUP, Level("qp", 30)), (SETUP, Level("qp", 34))}


@pytest.mark.parametrize("cut", [1, 60, 400])
def test_an_unfinished_point_is_cut_off(tmp_path, cut):
    path = tmp_path / "r"
    write(path, [30])
    whole = path.read_bytes()
    write(path, [34])
    path.write_bytes(path.read_bytes()[:-cut])
    with opened(path, per_image=True) as journal:
        assert journal.done == {(SETUP, Level("qp", 30))}
    assert path.read_bytes() == whole
    write(path, [34])
    assert path.read_bytes().startswith(whole)
    assert len(path.read_text().splitlines()) == 6


def test_fresh_keeps_the_old_points_until_the_first_new_one(tmp_path):
    write(tmp_path / "r", [30, 34])
    before = (tmp_path / "r").read_bytes()
    with opened(tmp_path / "r", per_image=True, fresh=True) as journal:
        assert journal.done == set()
        assert (tmp_path / "r").read_bytes() == before
        journal.add(*point(41))
        journal.add(*point(37))
    kept = results.read(str(tmp_path / "r"))
    assert [result.qp for result in kept] == [41] * 3 + [37] * 3


def test_blank_lines_do_not_shift_the_end(tmp_path):
    write(tmp_path / "r", [30])
    content = (tmp_path / "r").read_bytes()
    (tmp_path / "r").write_bytes(b"\n" + content + b"\n")
    write(tmp_path / "r", [34])
    assert (tmp_path / "r").read_bytes().startswith(b"\n" + content)
    assert len(results.read(str(tmp_path / "r"))) == 6


def test_the_folder_is_made(tmp_path):
    write(tmp_path / "new" / "folder" / "r", [30])
    assert (tmp_path / "new" / "folder" / "r").is_file()


def test_pictures_cannot_be_added_to_points_made_without(tmp_path):
    write(tmp_path / "r", [30], per_image=False)
    with pytest.raises(UsageError, match="--per-image"):
        write(tmp_path / "r", [34])


def test_two_runs_do_not_share_a_file(tmp_path):
    with (
        opened(tmp_path / "r", per_image=False),
        pytest.raises(UsageError, match="another run"),
    ):
        write(tmp_path / "r", [34])


def test_other_content_and_places_are_refused_and_kept(tmp_path):
    (tmp_path / "r").write_text("my notes\n")
    with pytest.raises(BadInputError, match="r:1: not a result line"):
        write(tmp_path / "r", [34])
    assert (tmp_path / "r").read_text() == "my notes\n"
    with pytest.raises(OutputError):
        write(tmp_path / "r" / "r", [34])
