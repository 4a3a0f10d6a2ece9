"""What every filter promises, asked of those that need no file."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from neurocodec.errors import UsageError
from neurocodec.filters import create
from neurocodec.images import Image
from tests.conftest import picture

WITHOUT_A_FILE = ("none", "blur", "scale", "tvl1")


@pytest.fixture(params=WITHOUT_A_FILE)
def filter(request):
    return create(request.param)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (33, 17)])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_size_gives_a_picture(filter, size, alpha):
    filtered = filter(picture(*size, alpha=alpha), 34)
    assert isinstance(filtered, Image)
    assert (filtered.alpha is not None) == alpha
    assert filtered.pixels.flags.c_contiguous


def test_a_gray_picture_stays_gray_whether_it_says_so_or_not(filter):
    gray = picture(61, 47, gray=True)
    for image in (gray, replace(gray, gray=False)):
        filtered = filter(image, 34)
        assert filtered.gray == image.gray
        assert np.array_equal(filtered.pixels, filtered.pixels[..., :1].repeat(3, axis=2))


def test_metadata_stays(filter):
    image = replace(picture(8, 8), metadata={"exif": b"E", "icc": b"I"})
    assert filter(image, 34).metadata == {"exif": b"E", "icc": b"I"}


def test_an_opaque_alpha_changes_no_colour(filter):
    image = picture(40, 30)
    opaque = replace(image, alpha=np.full((30, 40), 255, np.uint8))
    filtered = filter(opaque, 34)
    assert np.array_equal(filtered.pixels, filter(image, 34).pixels)
    assert filtered.alpha.min() == 255


def test_the_result_is_the_same_every_time_and_the_given_picture_untouched(filter):
    image = picture(50, 41, alpha=True)
    before = image.pixels.copy()
    first, second = filter(image, 34), filter(image, 34)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.alpha, second.alpha)
    assert np.array_equal(image.pixels, before)


def test_a_constant_picture_stays_so(filter):
    image = Image(np.full((20, 30, 3), (3, 128, 254), np.uint8))
    assert (filter(image, 34).pixels == image.pixels[0, 0]).all()


@pytest.mark.parametrize("setting", ["blur:sigma", "scale:factor", "tvl1:lmbda"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf"])
def test_senseless_numbers_are_refused_in_one_line(setting, value):
    with pytest.raises(UsageError, match=setting) as caught:
        create(f"{setting}={value}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spec", ["scale:factor=0", "scale:factor=1.01", "tvl1:lmbda=0", "tvl1:iterations=0",
             "tvl1:iterations=1.5", "blur:sigma=101", "blur:sigma=much", "none:sigma=1"]
)  # fmt: skip
def test_settings_out_of_range_are_refused(spec):
    with pytest.raises(UsageError, match=spec.split("=")[0].split(":")[1]):
        create(spec)


@pytest.mark.parametrize("name", ["blur", "tvl1"])
def test_the_device_is_passed_on_and_judged_at_once(name):
    assert create(name, device="cpu").device.type == "cpu"
    with pytest.raises(UsageError, match="toaster"):
        create(name, device="toaster")


@pytest.mark.parametrize("spec", ["none", "scale:factor=0.5"])
def test_no_torch_where_none_is_needed(spec):
    program = (
        "import sys; from neurocodec.filters import create; "
        f"create({spec!r}); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_a_schedule_is_known_by_the_filters_in_force_not_by_its_file(tmp_path):
    def schedule(name, content):
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return create(f"schedule:file={path}").weights_sha256

    plain = schedule("a.json", {"filters": {"34": "blur:sigma=1", "41": "none"}})
    assert schedule("b.json", {"note": 1, "filters": {"41": "none", "34": "blur:sigma=1"}}) == plain
    assert schedule("old.json", {"pretransforms": {"34": "blur:sigma=1", "41": "none"}}) == plain
    assert schedule("c.json", {"filters": {"34": "blur:sigma=2", "41": "none"}}) != plain


def test_results_of_another_device_are_other_results():
    blur = create("blur:sigma=1")
    plain, blur.device_type = blur.fingerprint(34), "cuda"
    assert blur.fingerprint(34) != plain
    assert create("scale:factor=0.5").device_type == ""
