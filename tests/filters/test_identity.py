"""No filter."""

from neurocodec.filters import create
from tests.conftest import picture


def test_the_very_same_picture():
    image = picture(7, 5, alpha=True)
    assert create("none")(image, 34) is image
