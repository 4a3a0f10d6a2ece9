"""The coded form of a picture is kept by what made it, not by what that was called."""

import json

import pytest

from neurocodec import images
from neurocodec.batch import coding
from neurocodec.batch.coding import Coding, OperatingPoint
from neurocodec.codecs import Level
from neurocodec.pipeline import Setting, prepared
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


def test_the_hash_of_the_code_covers_codecs_filters_and_networks():
    names = {path.relative_to(coding._PACKAGE).parts[0] for path in coding._sources()}
    assert {"codecs", "filters", "networks", "pipeline.py"} <= names
    assert {path.name for path in coding._sources()} >= {"qp_tables.json", "x265.py"}
