"""The public Python API."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurocodec
from neurocodec import Image, Level, Pipeline, Setting, decode, encode, images
from neurocodec.errors import BadInputError, UsageError
from tests.conftest import picture


def test_the_public_names_are_one_list():
    assert sorted(neurocodec.__all__) == sorted(neurocodec._MODULES)
    assert all(callable(getattr(neurocodec, name)) for name in neurocodec.__all__)
    with pytest.raises(AttributeError, match="'nothing'"):
        neurocodec.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    program = "import sys, neurocodec; print({'numpy', 'torch', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"


def test_a_path_an_array_and_an_image_give_the_same_file(tmp_path):
    image = picture(48, 32)
    path = tmp_path / "a b.png"
    path.write_bytes(images.png(image))
    data = encode(path, qp=30, codec="jpeg")
    assert data == encode(image, qp=30, codec="jpeg") == encode(image.pixels, qp=30, codec="jpeg")
    assert data == Pipeline(Setting("jpeg")).encode(image, Level("qp", 30)).data


def test_bytes_and_a_path_decode_alike(tmp_path):
    data = encode(picture(48, 32), quality=80, codec="jpeg")
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    decoded = decode(data)
    assert isinstance(decoded, Image)
    assert decoded.pixels.shape == (32, 48, 3)
    assert np.array_equal(decoded.pixels, decode(path).pixels)


def test_mistakes_raise_the_errors_of_the_package(tmp_path):
    with pytest.raises(UsageError, match="one of qp, quality, iterations, qf"):
        encode(picture(8, 8))
    with pytest.raises(BadInputError, match=r"nowhere\.bpg"):
        decode(tmp_path / "nowhere.bpg")
    with pytest.raises(BadInputError, match="not a file of"):
        decode(b"hello")


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 9), np.uint8), np.zeros((8, 9, 3)), np.zeros((8, 0, 3), np.uint8)],
    ids=["gray", "float", "empty"],
)
def test_an_array_of_another_form_is_a_usage_error_that_says_its_form(array):
    form = re.escape(f"not {array.shape} {array.dtype}")
    with pytest.raises(UsageError, match=rf"\(H, W, 3\) uint8.*{form}"):
        encode(array, qp=34, codec="jpeg")


def test_a_level_that_is_no_whole_number_is_refused():
    for unit, value in (("qp", "34"), ("qp", 34.0), ("quality", 34.0)):
        with pytest.raises(UsageError, match=f"whole number, not {value!r}"):
            encode(picture(8, 8), codec="jpeg", **{unit: value})


def test_the_readmes_lines_run(tmp_path, monkeypatch):
    text = (Path(__file__).parent.parent / "README.md").read_text()
    section = text.partition("## Python\n")[2].partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    images.to_pillow(picture(48, 32)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict = {}

    exec("\n".join(lines), names)

    assert len(lines) == 5
    assert names["pixels"].shape == (32, 48, 3)
    assert 0 < names["rate"] < 24
