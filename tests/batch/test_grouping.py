from dataclasses import dataclass, field

import pytest

from neurocodec.batch import grouping
from neurocodec.batch.handling import Facts, Opened
from neurocodec.codecs import Level
from neurocodec.errors import BadInputError, BugError
from neurocodec.images import Image
from tests.conftest import picture

LEVEL = Level("qp", 34)
SIZES = {"a": (20, 10), "b": (10, 10), "c": (20, 10), "d": (10, 10), "e": (20, 10)}


@dataclass
class Halver:
    """A filter that halves levels, dislikes a picture, and remembers what came together."""

    dislikes: int = -1
    together: list[int] = field(default_factory=list)

    def filter_batch(self, batch, level):
        self.together.append(len(batch))
        return [self.halved(image) for image in batch]

    def halved(self, image):
        if image.pixels[0, 0, 0] == self.dislikes:
            raise ValueError("no number")
        return Image(image.pixels // 2)


def read(name):
    if name == "bad":
        raise BadInputError("bad: no picture")
    return Opened(picture(*SIZES[name], seed=ord(name)), Facts(1, name, 0.0))


@pytest.fixture
def filtered(monkeypatch):
    monkeypatch.setattr(
        grouping.Pipeline, "filter", lambda ready, image, level: ready.halved(image)
    )
    return lambda names, ready: list(grouping.each(names, read, ready, LEVEL))


def test_pictures_of_one_size_go_together_and_come_in_order(filtered):
    ready = Halver()

    outcomes = filtered(["a", "b", "bad", "c", "d", "e"], ready)

    assert [one.item for one in outcomes] == ["a", "b", "bad", "c", "d", "e"]
    assert ready.together == [3, 2]
    for one in outcomes:
        if one.item == "bad":
            assert (one.result, type(one.error)) == (None, BadInputError)
        else:
            filtered_one = one.result.filtered
            assert (filtered_one.image.pixels == read(one.item).image.pixels // 2).all()
            assert filtered_one.size == SIZES[one.item]
            assert filtered_one.filter_s > 0
            assert one.result.facts.sha256 == one.item


def test_a_picture_that_cannot_be_filtered_costs_itself_only(filtered):
    ready = Halver(dislikes=int(read("c").image.pixels[0, 0, 0]))

    outcomes = filtered(["a", "c", "e", "b"], ready)

    assert [one.item for one in outcomes if one.result is None] == ["c"]
    assert isinstance(outcomes[1].error, BugError)


def test_memory_holds_a_window_only(filtered, monkeypatch):
    monkeypatch.setattr(grouping, "WINDOW_PICTURES", 4)
    few, small = Halver(), Halver()

    assert len(filtered("acea" * 2 + "c", few)) == 9
    monkeypatch.setattr(grouping, "WINDOW_PIXELS", 201)
    assert len(filtered("acea" * 2 + "c", small)) == 9

    assert few.together == [4, 4, 1]
    assert small.together == [2, 2, 2, 2, 1]


def test_nothing_comes_of_nothing(filtered):
    assert filtered([], Halver()) == []
