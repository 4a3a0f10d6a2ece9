"""What the recognisers of a target get to see, and how their scores become one number."""

import numpy as np
import pytest

from neurocodec import tasks
from neurocodec.batch.scoring import Panel
from neurocodec.batch.targets import Target
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.tasks import PictureScore


class Brightness:
    """A recogniser of brightness that keeps what it was shown; its "kl" is minus the error."""

    def __init__(self, model):
        self.model, self.shown = model, []

    def predict(self, batch):
        self.shown += batch
        return [float(image.pixels.mean()) for image in batch]

    def score(self, prediction, clean, truth):
        error = float(self.model) * abs(prediction - clean)
        return PictureScore({} if clean == 0 else {"kl": -error})

    @staticmethod
    def score_set(pictures):
        return tasks.Task.score_set(pictures)


@pytest.fixture
def made(monkeypatch):
    """The recognisers that a panel makes."""
    created = []

    def create(name, model, device):
        created.append(Brightness(model))
        return created[-1]

    monkeypatch.setattr(tasks, "create", create)
    return created


def flat(shade, width=8, height=6, alpha=None):
    pixels = np.full((height, width, 3), shade, np.uint8)
    return Image(pixels, None if alpha is None else np.full((height, width), alpha, np.uint8))


def test_a_decoded_picture_is_seen_opaque_and_at_the_originals_size(made):
    panel = Panel(Target("kl", 1.0, ("1",)), "cpu")
    original = flat(0, alpha=0)
    scores = panel.score(panel.predict(original), flat(0, 4, 3, alpha=0), original)

    assert [(one.width, one.height, one.alpha) for one in made[0].shown] == [(8, 6, None)] * 2
    assert made[0].shown[1].pixels.min() == 255
    assert panel.value([scores]) == 0


def test_the_value_is_the_mean_over_pictures_and_recognisers(made):
    panel = Panel(Target("kl", 1.0, ("1", "3")), "cpu")
    originals, decoded = [flat(100), flat(50)], [flat(102), flat(54)]
    scores = [
        panel.score(panel.predict(original), seen, original)
        for original, seen in zip(originals, decoded, strict=True)
    ]
    assert panel.value(scores) == pytest.approx((2 + 4) / 2 * (1 + 3) / 2)


def test_a_recogniser_that_finds_nothing_tells_no_level(made):
    panel = Panel(Target("kl", 1.0, ("1",)), "cpu")
    nothing = flat(0)
    with pytest.raises(UsageError, match="finds nothing in the original"):
        panel.value([panel.score(panel.predict(nothing), flat(3), nothing)])
