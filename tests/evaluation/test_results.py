"""Result lines: what is written is read again, and lines that cannot be are refused."""

import json
from dataclasses import replace

import pytest

from neurocodec.codecs import Level
from neurocodec.errors import BadInputError
from neurocodec.evaluation.results import PictureResult, Point, dump, load, read
from tests.evaluation.made import SETUP

QP, QUALITY = Level("qp", 34), Level("quality", 50)
POINT = Point(SETUP, QP, 0.4, {"kl": -0.5, "top1": 1}, "2025-01-31T12:00:00Z", "neurocodec x")
PICTURE = PictureResult(SETUP, QUALITY, "a.png", 8, 9, 7, 0.7, {"kl": -0.5}, {"found": [1]})


@pytest.mark.parametrize("result", [POINT, PICTURE])
def test_a_line_is_read_as_it_was_written(result):
    assert list(load([dump(result)], "r")) == [result]


def test_a_record_has_its_level():
    assert json.loads(dump(POINT))["level"] == {"qp": 34}
    assert json.loads(dump(PICTURE))["level"] == {"quality": 50}


def test_lines_of_older_versions_are_read():
    record = json.loads(dump(POINT))
    for key in ("level", "date", "command"):
        del record[key]
    assert list(load([json.dumps(record)], "r")) == [replace(POINT, date="", command="")]
    record["qp"] = None
    with pytest.raises(BadInputError, match="no level"):
        list(load([json.dumps(record)], "r"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": {"top1": None}}, r'scores: \{"top1": null\}'),
        ({"scores": {"top1": float("nan")}}, "scores: "),
        ({"scores": {"top1": True}}, "scores: "),
        ({"scores": [0.5]}, "scores: "),
        ({"bpp": float("nan")}, "bpp: NaN"),
        ({"bpp": float("inf")}, "bpp: Infinity"),
        ({"bpp": 0}, "bpp: 0"),
        ({"bpp": "0.5"}, "bpp: "),
        ({"level": {"qp": 34.5}}, "qp: 34.5"),
        ({"level": {"qp": True}}, "qp: true"),
        ({"level": {}}, "no level"),
        ({"level": 34}, "no level"),
        ({"level": {"qp": 34, "quality": 5}}, "no level"),
        ({"pictures": -1}, "pictures: -1"),
        ({"codec": None}, "codec: null"),
        ({"kind": "curve"}, "kind"),
        ({"kind": ["point"]}, "kind"),
    ],
)
def test_a_line_that_cannot_be_is_named(change, message):
    wrong = json.dumps(json.loads(dump(POINT)) | change)
    with pytest.raises(BadInputError, match=rf"r\.jsonl:3: not a result line \(.*{message}"):
        list(load([dump(POINT), "", wrong], "r.jsonl"))


@pytest.mark.parametrize("key", ["bpp", "scores", "chroma", "kind"])
def test_a_missing_field_is_named(key):
    record = json.loads(dump(POINT))
    del record[key]
    with pytest.raises(BadInputError, match=key):
        list(load([json.dumps(record)], "r"))


def test_an_infinite_score_is_a_result():
    record = replace(POINT, scores={"psnr_db": float("inf")})
    assert list(load([dump(record)], "r")) == [record]


def test_only_a_last_line_may_be_incomplete(tmp_path, caplog):
    def reread(content: bytes):
        (tmp_path / "r").write_bytes(content)
        return read(str(tmp_path / "r"))

    lines = [dump(POINT), dump(PICTURE)]
    assert reread("\n".join(lines).encode()[:-9]) == [POINT]
    assert "r:2: the last line is incomplete" in caplog.text
    caplog.clear()
    assert reread("\n".join(lines).encode() + b"\n") == [POINT, PICTURE]
    assert caplog.text == ""
    assert reread("\n".join(lines).encode()) == [POINT, PICTURE]
    assert reread(lines[0].encode()[:-9]) == []
    for wrong in (lines[0].encode()[:-9] + b"\n" + lines[1].encode(), b"my notes"):
        with pytest.raises(BadInputError, match="r:1"):
            reread(wrong)
    with pytest.raises(BadInputError, match="not a file of results"):
        reread(b"\xff\xfe{}")


def test_schedules_are_equal_by_their_filters():
    one, other = (replace(SETUP, pre=f"schedule:file={n}", weights_sha256="f") for n in "ab")
    assert one == other and len({one, other}) == 1
    assert one != replace(other, weights_sha256="e")
    assert replace(SETUP, pre="npp:weights=a") != replace(SETUP, pre="npp:weights=b")
