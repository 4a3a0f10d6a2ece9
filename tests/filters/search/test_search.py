import json
import os

import numpy as np
import pytest
import torch

from neurocodec import codecs, filters
from neurocodec.codecs import Level, qp_tables
from neurocodec.errors import MissingError, UsageError
from neurocodec.filters.search.descent import Plan
from neurocodec.images import Image
from neurocodec.networks.tensors import to_tensor
from tests.conftest import picture
from tests.networks.filter_files import npp_light
from tests.networks.recogniser_files import CLASSIFIER, write


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    """JPEG without cjpeg and djpeg: starting them takes longer than a small search."""
    monkeypatch.setattr("neurocodec.codecs.jpeg.lookup", lambda tool: None)


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    return str(write(tmp_path_factory.mktemp("recogniser"), CLASSIFIER))


@pytest.fixture
def search(recogniser):
    """A function from settings to a search through JPEG for a tiny recogniser."""

    def create(settings="steps=3", codec="jpeg", model=recogniser):
        spec = f"search:{settings}" if settings else "search"
        return filters.create(
            filters.with_recognisers(spec, [model] if model else [], None),
            codec=codecs.create(codec),
        )

    return create


def cost(tried):
    return tried["bpp"] + tried["recognition"]


def test_it_finds_a_picture_that_costs_less(search):
    image = picture(96, 80)

    found, account = search("steps=4").with_account(image, 34)

    assert cost(account["after"]) < 0.95 * cost(account["before"])
    assert (found.width, found.height) == (96, 80)
    assert not np.array_equal(found.pixels, image.pixels)
    assert account["steps"] == 4


def test_its_account_is_what_the_codec_and_the_recogniser_say(search, recogniser):
    from neurocodec.networks.recognisers import load
    from neurocodec.networks.tensors import to_tensor

    image = picture(64, 64)
    codec = codecs.create("jpeg")
    level = Level("quality", qp_tables.level_at_qp("jpeg", 34))

    found, account = search().with_account(image, 34)

    data = codec.encode(found, level)
    assert account["after"]["bpp"] == pytest.approx(8 * len(data) / 64**2)
    assert account["before"]["bpp"] == pytest.approx(8 * len(codec.encode(image, level)) / 64**2)
    network = load(recogniser)
    clean, decoded = (
        network(to_tensor([one])).log_softmax(1) for one in (image, codec.decode(data))
    )
    kl = (clean.exp() * (clean - decoded)).sum()
    assert list(account["after"]["d_m"].values()) == [pytest.approx(float(kl), abs=1e-5)]


def test_where_nothing_is_better_the_picture_stays(search, monkeypatch):
    """A blur only costs where the recogniser knows every pixel and bits cost nothing."""
    image = picture(48, 48)
    filter_ = search("steps=2")
    coded = filter_._codec.encode

    def dear(filtered, level):
        data = coded(filtered, level)
        return data if np.array_equal(filtered.pixels, image.pixels) else data + bytes(10_000)

    monkeypatch.setattr(filter_._codec, "encode", dear)
    found, account = filter_.with_account(image, 34)

    assert found is image
    assert account["after"] == account["before"]


def test_no_steps_are_the_trained_filter(search, tmp_path):
    file = npp_light(tmp_path, width=16, std=0.05, qps=[22, 45])
    image = picture(67, 45)

    started, account = search(f"steps=0:start={file}").with_account(image, 34)

    assert np.array_equal(started.pixels, filters.create(f"npp:weights={file}")(image, 34).pixels)
    assert account == {}


def test_it_starts_from_what_the_trained_filter_predicts(search, tmp_path):
    file = npp_light(tmp_path, width=16, std=0.05, qps=[22, 45])
    image = picture(64, 64)

    from_nothing, from_filter = (
        search(f"steps=1:start={start}")(image, 34) for start in ("none", file)
    )

    assert not np.array_equal(from_nothing.pixels, from_filter.pixels)


def test_it_computes_on_one_thread_and_gives_the_others_back(search, monkeypatch):
    """How many threads there are changes sums, and with them files."""
    before, filter_, seen = torch.get_num_threads(), search("steps=1"), []
    encode = filter_._codec.encode

    def watched(*arguments):
        seen.append(torch.get_num_threads())
        return encode(*arguments)

    monkeypatch.setattr(filter_._codec, "encode", watched)
    try:
        torch.set_num_threads(2)
        one = filter_(picture(70, 50), 34)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

    assert set(seen) == {1}
    assert np.array_equal(one.pixels, filter_(picture(70, 50), 34).pixels)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (130, 17)])
def test_any_size_keeps_alpha_and_gray(search, size):
    image = picture(*size, alpha=True)
    bpg = search("steps=1", codec="bpg")

    found = bpg(image, 34)

    assert found.pixels.shape == image.pixels.shape
    assert np.array_equal(found.alpha, image.alpha)
    gray = search("steps=2")(picture(*size, gray=True), 34)
    assert gray.gray
    assert np.array_equal(gray.pixels[..., 0], gray.pixels[..., 2])


@pytest.mark.parametrize("codec", ["bpg", "jpeg2000", "vvc", "webp", "avif", "jxl", "heic"])
def test_it_searches_through_every_codec_at_the_level_of_the_file(search, codec, monkeypatch):
    filter_ = search("steps=1", codec=codec)
    its = filter_._codec
    level = Level(its.unit, its.levels[len(its.levels) // 2])
    asked = []
    encode = its.encode
    monkeypatch.setattr(its, "encode", lambda i, at: asked.append(at) or encode(i, at))

    filter_(picture(40, 40), qp_tables.bpg_qp(codec, level))

    assert set(asked) == {level}
    assert len(asked) == 3  # the unfiltered picture, the start, and the first step


def test_outside_its_qps_it_does_not_search(search):
    image = picture(40, 40)

    assert search()(image, 5) is image
    assert "12 to 48" in search().identity(5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("steps=-1", "steps goes from 0"),
        ("grid=0", "grid goes from 1"),
        ("every=0", "every goes from 1"),
        ("drawn=-1", "drawn goes from 0"),
        ("task=pose", "pose"),
        ("temperature=0", "temperature goes from above 0"),
        ("weight=0", "weight goes from above 0"),
        ("weight=nan", "weight goes from above 0"),
    ],
)
def test_settings_out_of_range_are_refused(search, settings, words):
    with pytest.raises(UsageError, match=words):
        search(settings)


def test_detection_has_no_installed_recognisers(search):
    with pytest.raises(UsageError, match="add --model"):
        search("task=detection", model="")


def test_a_codec_without_loss_or_without_lambda_is_refused(recogniser):
    with pytest.raises(UsageError, match="codec with loss"):
        filters.create("search")
    with pytest.raises(UsageError, match="codec with loss"):
        filters.create(f"search:model={recogniser}", codec=codecs.create("bpg:lossless=1"))


def test_a_start_that_is_no_mixture_of_blurs_is_refused(search, tmp_path):
    from neurocodec.networks import checkpoint
    from neurocodec.networks.npp import Npp

    file = tmp_path / "residual.safetensors"
    file.write_bytes(checkpoint.dump(Npp(arch="npp-residual", width=4), "npp", {}))

    with pytest.raises(UsageError, match="npp-light"):
        search(f"start={file}")
    with pytest.raises(MissingError):
        search("start=nothing-of-that-name")


def test_names_with_separators_survive(tmp_path):
    spec = filters.with_recognisers("search", ["a+b:c,d.safetensors", "e"], "detection")

    assert spec == "search:model=a%2Bb%3Ac%2Cd.safetensors+e:task=detection"
    from neurocodec.filters.search import jury

    assert jury.models(spec.split(":")[1].removeprefix("model="), "detection") == [
        "a+b:c,d.safetensors",
        "e",
    ]


def test_a_name_that_is_no_utf8_survives():
    from neurocodec.filters.search import jury

    name = os.fsdecode(b"m\xff.safetensors")
    spec = filters.with_recognisers("search", [name], None)

    assert jury.models(spec.removeprefix("search:model="), "classification") == [name]


def test_what_is_hidden_by_transparency_does_not_count(search):
    """Two pictures that differ only under alpha 0 cost a recogniser the same."""
    pixels = picture(48, 48).pixels
    alpha = np.zeros((48, 48), np.uint8)
    alpha[:, 24:] = 255
    other = pixels.copy()
    other[:, :24] = 255 - other[:, :24]
    bpg = search("steps=1", codec="bpg")

    one, two = (
        bpg._objective.goal(to_tensor([Image(p, alpha)]), [None], bpg._views(Image(p, alpha)), [34])
        for p in (pixels, other)
    )

    for a, b in zip(one.targets, two.targets, strict=True):
        assert torch.equal(*(next(iter(targets.values())) for targets in (a, b)))


def test_the_start_knows_its_qps(search, tmp_path):
    file = npp_light(tmp_path, width=16, std=0.05, qps=[30, 40])
    image = picture(40, 40)
    none, started = (search(f"steps=1:start={start}") for start in ("none", file))

    assert np.array_equal(none(image, 25).pixels, started(image, 25).pixels)
    assert not np.array_equal(none(image, 35).pixels, started(image, 35).pixels)
    assert search(f"steps=0:start={file}")(image, 25) is image


def test_a_schedule_may_hold_a_search(search, recogniser, tmp_path):
    spec = filters.with_recognisers("search:steps=1", [recogniser], None)
    (tmp_path / "s.json").write_text(json.dumps({"filters": {"34": spec}}))
    scheduled = filters.create(f"schedule:file={tmp_path}/s.json", codec=codecs.create("jpeg"))

    assert scheduled.with_account(picture(40, 40), 34)[1]["steps"] == 1


def test_recognisers_are_for_a_search():
    with pytest.raises(UsageError, match="--filter search"):
        filters.with_recognisers("blur:sigma=1", ["m"], None)
    with pytest.raises(UsageError, match="already"):
        filters.with_recognisers("search:model=a", ["m"], None)


def test_equal_settings_have_equal_fingerprints_and_others_not(search, tmp_path):
    other = write(tmp_path, CLASSIFIER | {"input": {"size": 8}})

    assert search().fingerprint(34) == search().fingerprint(34)
    assert search().fingerprint(34) != search("steps=4").fingerprint(34)
    assert str(other) in search(model=str(other)).fingerprint(34)


def test_recognisers_take_turns():
    plan = Plan(steps=4, drawn=2, every=3, seed=1)

    assert [plan.asked("abc", step) for step in range(5)] == [
        ["b", "c"],
        ["a", "b"],
        ["c", "a"],
        ["b", "c"],
        "abc",
    ]
    assert [plan.is_real(step) for step in range(5)] == [True, False, False, True, True]
    assert Plan().asked("abc", 2) == "abc"


@pytest.mark.parametrize(
    ("plan", "judged"),
    [
        (Plan(steps=4, drawn=0), [0, 1, 2, 3, 4]),
        (Plan(steps=4, drawn=3), [0, 1, 2, 3, 4]),
        (Plan(steps=4, drawn=2), [3, 4]),
        (Plan(steps=4, drawn=1), [2, 3, 4]),
        (Plan(steps=4, drawn=1, every=3), [3, 4]),
    ],
)
def test_pictures_of_the_last_turn_are_judged_by_all(plan, judged):
    assert [step for step in range(5) if plan.is_judged("abc", step)] == judged


def test_recognition_weighs_more_by_a_higher_weight(search):
    image = picture(64, 64)
    light, heavy = (
        search(f"steps=1:weight={weight}").with_account(image, 34)[1] for weight in (1, 4)
    )

    assert heavy["before"]["recognition"] == pytest.approx(4 * light["before"]["recognition"])
    assert heavy["before"]["bpp"] == light["before"]["bpp"]


def test_a_higher_temperature_lets_the_less_likely_classes_count(search):
    image = picture(64, 64)
    cold, warm = (search(f"steps=2:temperature={t}").with_account(image, 34)[1] for t in (1, 8))

    assert warm["before"]["bpp"] == cold["before"]["bpp"]
    assert warm["before"]["d_m"] != cold["before"]["d_m"]


@pytest.mark.parametrize(
    "settings", ["steps=4:every=2", "steps=4:drawn=1", "steps=4:drawn=1:seed=1"]
)
def test_shortcuts_find_something_too(search, settings, tmp_path):
    both = [write(tmp_path, CLASSIFIER), tmp_path / "second.safetensors"]
    for path in (both[0], both[0].with_suffix(".json")):
        both[1].with_suffix(path.suffix).write_bytes(path.read_bytes())

    filter_ = search(settings + ":model=" + "+".join(map(str, both)), model="")
    _, account = filter_.with_account(picture(80, 64), 34)

    assert cost(account["after"]) < cost(account["before"])
    assert len(account["after"]["d_m"]) == 2


def test_a_picture_of_several_tiles_and_windows(search, monkeypatch):
    monkeypatch.setattr("neurocodec.filters.search.field._TILE", 64)
    monkeypatch.setattr("neurocodec.filters.search.views.WINDOW", 48)
    image = picture(150, 70)

    found, account = search("steps=2").with_account(image, 34)

    assert cost(account["after"]) < cost(account["before"])
    assert isinstance(found, Image)


@pytest.mark.parametrize("gray", [False, True])
def test_quantisation_tables_are_searched_and_written(search, gray):
    from neurocodec.codecs import jpeg_segments

    image = picture(96, 80, gray=gray)
    found, account = search("steps=4:tables=1").with_account(image, 34)

    standard = jpeg_segments.standard_steps(qp_tables.level_at_qp("jpeg", 34))
    assert found.jpeg_steps != standard
    assert all(1 <= step <= 255 for table in found.jpeg_steps for step in table)
    data = codecs.create("jpeg").encode(found, Level("quality", 90))
    assert account["after"]["bpp"] == pytest.approx(8 * len(data) / (96 * 80))
    tables = jpeg_segments.read_header(data).quantization.values()
    assert tuple(map(tuple, tables)) == found.jpeg_steps[: 1 if gray else 2]


def test_cjpeg_takes_the_tables_as_pillow_does(search, needs_tool, monkeypatch):
    needs_tool("cjpeg")
    found = search("steps=2:tables=1")(picture(64, 64), 34)
    by_pillow = codecs.create("jpeg").encode(found, Level("quality", 60))
    monkeypatch.undo()

    assert codecs.create("jpeg").encode(found, Level("quality", 60)) == by_pillow


def test_tables_are_for_jpeg(search):
    with pytest.raises(UsageError, match="for jpeg"):
        search("tables=1", codec="bpg")


def test_a_residual_may_be_searched_too(search):
    image = picture(64, 64)

    with_it, without = (search(f"steps=3:residual={on}")(image, 34) for on in (1, 0))

    assert not np.array_equal(with_it.pixels, without.pixels)


@pytest.fixture
def shelf(monkeypatch):
    """Installed weights by name: a default filter of BPG and of WebP, and the one before."""
    from neurocodec.filters.search import search as module

    default = {codec: f"npp:weights=auto-{codec}" for codec in ("bpg", "webp")}
    light = {"architecture": '{"qa": true, "arch": "npp-light", "width": 32}'}
    installed = dict.fromkeys(("npp-bpg", "auto-bpg", "auto-webp"), light)
    monkeypatch.setattr(module.weights, "automatic", lambda: default)
    monkeypatch.setattr(module.weights, "installed", lambda: installed)
    return installed


@pytest.mark.parametrize(("task", "bpg"), [("classification", "npp-bpg"), ("pose", "auto-bpg")])
def test_the_default_filter_starts_searches_of_every_task(shelf, task, bpg):
    from neurocodec.filters.search.search import _automatic

    assert _automatic("bpg", task) == bpg
    assert _automatic("webp", task) == "auto-webp"
    assert _automatic("jpeg", task) == "none"
    shelf.pop("npp-bpg")
    assert _automatic("bpg", task) == "auto-bpg"


@pytest.mark.parametrize(
    "architecture", ['{"qa": true, "arch": "npp", "width": 32}', '{"width": 16}']
)
def test_a_default_filter_that_has_no_map_of_blurs_starts_no_search(shelf, architecture):
    from neurocodec.filters.search.search import _automatic

    shelf["auto-bpg"] = {"architecture": architecture}

    assert _automatic("bpg", "pose") == "none"
    shelf.pop("auto-bpg")
    assert _automatic("bpg", "pose") == "none"
