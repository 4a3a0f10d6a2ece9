"""The coded form of a picture is kept by what made it, not by what that was called."""

import json

import numpy as np
import pytest

from neurocodec import images
from neurocodec.batch import coding
from neurocodec.batch.coding import Coding, Encodings, OperatingPoint
from neurocodec.codecs import Level
from neurocodec.filters.scale import Scale
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline, Setting, prepared
from tests.conftest import picture


@pytest.fixture
def code(tmp_path):
    """A function that codes one picture, with a cache; gives its size and the cache's files."""
    path = tmp_path / "a.png"
    path.write_bytes(images.png(picture(64, 48)))

    def run(filter):
        prepared.cache_clear()
        point = OperatingPoint(Setting("jpeg", filter), Level("qp", 34))
        coded = coding.code(Coding(str(path), point, tmp_path / "cache"))
        kept = sum(1 for file in (tmp_path / "cache").rglob("*.jpg"))
        return coded.size_bytes, kept

    return run


def test_a_schedule_that_changed_is_coded_anew(code, tmp_path):
    schedule = tmp_path / "best.json"
    schedule.write_text(json.dumps({"filters": {"34": "blur:sigma=0.4"}}))
    little, _ = code(f"schedule:file={schedule}")
    schedule.write_text(json.dumps({"filters": {"34": "blur:sigma=3"}}))
    much, kept = code(f"schedule:file={schedule}")

    assert much < little
    assert kept == 2


def test_what_a_schedule_says_is_found_under_its_own_name(code, tmp_path):
    schedule = tmp_path / "best.json"
    schedule.write_text(json.dumps({"filters": {"34": "none"}}))
    plain, kept = code("none")

    assert code(f"schedule:file={schedule}") == (plain, kept)


def test_code_that_changed_codes_anew(code, monkeypatch):
    _, before = code("none")
    monkeypatch.setattr(coding, "_code_sha256", lambda: "other code")
    _, after = code("none")
    assert (before, after) == (1, 2)


def test_the_hash_of_the_code_covers_all_that_makes_a_file():
    names = {path.relative_to(coding._PACKAGE).parts[0] for path in coding._sources()}
    assert {"codecs", "filters", "losses", "networks", "pipeline.py"} <= names
    assert {path.name for path in coding._sources()} >= {"qp_tables.json", "x265.py"}


def made(image, cache, **setting):
    """How many encodings a picture still takes at one level, and the encoding."""
    encodings = Encodings(Pipeline(Setting(**setting)), image, cache)
    encoded = encodings(Level("qp", 34))
    assert encodings(Level("qp", 34)) is encoded
    return encodings.made, encoded


def test_pixels_make_the_key_and_not_the_file_around_them(tmp_path):
    pixels = picture(40, 32).pixels
    first = made(Image(pixels, metadata={"exif": b"one"}), tmp_path, codec="jpeg")
    second = made(Image(pixels.copy(), metadata={"exif": b"two"}), tmp_path, codec="jpeg")
    assert (first[0], second[0]) == (1, 0)
    assert first[1].data == second[1].data
    keeps = {"codec": "jpeg", "keep_metadata": True}
    for exif in (b"MM\0*\0\0\0\x08\0\0\0\0\0\0", b""):
        metadata = {"exif": exif} if exif else {}
        assert made(Image(pixels, metadata=metadata), tmp_path, **keeps)[0] == 1


def test_what_only_looks_alike_is_coded_anew(tmp_path):
    opaque = picture(40, 32, gray=True)
    solid = np.full((32, 40), 255, np.uint8)
    alike = (opaque, *(Image(opaque.pixels, alpha) for alpha in (None, solid, solid - 1)))
    turned = Image(opaque.pixels.reshape(40, 32, 3))
    assert [made(image, tmp_path)[0] for image in (*alike, turned)] == [1] * 5


def test_an_encoding_of_the_cache_tells_what_it_told_at_first(tmp_path, monkeypatch):
    account = {"before": {"bpp": 0.5}, "seconds": 2.5}
    monkeypatch.setattr(Scale, "with_account", lambda self, image, qp: (self(image, qp), account))
    image = picture(40, 32)
    setting = {"codec": "jpeg", "filter": "scale:factor=0.5"}
    (_, first), (again, second) = (made(image, tmp_path, **setting) for _ in range(2))
    assert again == 0
    assert (second.width, second.coded_width, second.coded_height) == (40, 20, 16)
    assert second.account == account
    assert vars(second) == vars(first) | {"encode_s": 0.0, "filter_s": 0.0}


def test_evaluate_finds_what_encode_made(tmp_path, code):
    made(images.read((tmp_path / "a.png").read_bytes(), "a.png"), tmp_path / "cache", codec="jpeg")
    assert code("none")[1] == 1


def test_coded_files_are_kept_for_the_run_only_without_a_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(coding.CACHE_VARIABLE, str(tmp_path / "cache"))
    with coding.kept(True) as folder:
        assert folder == tmp_path / "cache"
    with coding.kept(False) as folder:
        assert made(picture(40, 32), folder, codec="jpeg")[0] == 1
        assert made(picture(40, 32), folder, codec="jpeg")[0] == 0
    assert not folder.exists()
    assert not (tmp_path / "cache").exists()
