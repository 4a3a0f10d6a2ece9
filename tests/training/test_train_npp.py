"""`npp.train`, as the command line calls it, small."""

import hashlib
from pathlib import Path

import pytest
import torch

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.losses import Recognition
from neurocodec.networks import checkpoint, release
from neurocodec.networks.npp import Npp
from neurocodec.training import npp, workbench
from neurocodec.training.config import Config
from neurocodec.training.npp import NppOptions
from neurocodec.training.report import Report
from tests.networks.recogniser_files import CLASSIFIER, write
from tests.training.conftest import Collecting

SMALL = {"size": 32, "batch": 1, "micro_batch": 1, "validation": 2, "jobs": 0, "device": "cpu"}


@pytest.fixture
def train(folder, tmp_path):
    """A function that trains one step more, and gives back the checkpoint."""
    model = str(write(tmp_path, CLASSIFIER))

    def run(*, models=(model,), data=folder, loss=None, report=None, max_steps=1, **options):
        settings = {key: options.pop(key) for key in ("size", "resume", "amp") if key in options}
        recognition = Recognition(models, loss=loss)
        options = {"qps": range(28, 42), "lmbda": "1"} | options
        chosen = NppOptions("jpeg", recognition=recognition, **options)
        config = Config(tmp_path / "out", data, **SMALL | {"max_steps": max_steps} | settings)
        npp.train(chosen, config, report or Report())
        return checkpoint.load((tmp_path / "out" / "npp.safetensors").read_bytes(), "npp")

    return run


def test_a_finished_training_leaves_weights_that_say_what_made_them(finished):
    weights = finished.output / "npp.safetensors"
    stored = checkpoint.load(weights.read_bytes(), "npp").made

    assert finished.trained.weights == weights
    assert finished.trained.progress.steps == stored["steps"] == 2
    assert (stored["codec"], stored["qps"]) == ("jpeg", [28, 41])
    assert (stored["task"], stored["loss"], stored["recognisers"]) == (
        "classification",
        "kl",
        ["tiny.net"],
    )
    assert stored["proxy"].startswith("DctProxy(8×8")
    assert stored["config"]["batch"] == 8
    assert stored["slopes"]["tiny.net"]["log_lmbda"] == [0.0]


def test_a_training_tells_what_it_does_from_its_beginning(finished):
    statuses = finished.report.statuses
    assert statuses[0] == "looking for pictures"
    assert statuses[1] == "loading recognisers"
    assert "reading pictures 1/3" in statuses
    assert "measuring the rate–distortion slope 1/6" in statuses
    after = statuses[statuses.index("training: step 1") + 1 :]
    assert [text for text in after if "/" not in text] == [
        "measuring on the pictures kept apart",
        "reading pictures",
        "coding the pictures kept apart, filtered",
        "coding the pictures kept apart",
    ]
    assert after[-1] == "coding the pictures kept apart 5/5"


def test_the_log_has_speed_and_time_left(finished):
    steps = [line for line in finished.log if "loss" in line]

    assert [line["step"] for line in steps] == [1, 2]
    assert {"bpp", "d_m.tiny.net", "gradient_norm", "learning_rate"} <= steps[0].keys()
    assert all(line["pictures_per_s"] > 0 for line in steps)
    assert steps[0]["minutes_left"] > 0
    assert steps[1]["minutes_left"] == 0


def test_tensorboard_has_what_the_log_has(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(finished.output.parent / "board"))
    shown.Reload()
    for name in ("loss", "bpp", "learning_rate"):
        scalars = [(scalar.step, scalar.value) for scalar in shown.Scalars(name)]
        logged = [line for line in finished.log if name in line]
        assert scalars == [(line["step"], pytest.approx(line[name])) for line in logged]


def test_a_picture_that_cannot_be_read_is_in_the_log_and_ends_nothing(finished):
    (note,) = finished.report.notes
    assert note.startswith("a picture is left out: ")
    assert "0.png" in note
    assert note in [line.get("note") for line in finished.log]


def test_it_ends_with_a_bd_rate_and_its_interval_or_says_why_not(finished):
    (remark,) = finished.trained.scores.remarks

    assert remark.startswith(("BD-rate for tiny.net (kl): ", "no BD-rate for tiny.net: "))
    assert remark in [line.get("note") for line in finished.log]
    if remark.startswith("BD"):
        *_, last = finished.log
        assert last["bd_rate_low.tiny.net"] <= last["bd_rate.tiny.net"]
        assert last["bd_rate.tiny.net"] <= last["bd_rate_high.tiny.net"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f avx512_bf16", True),
        ("flags : fpu amx_bf16 amx_tile", True),
        ("Features : fp asimd bf16", True),
        ("flags : fpu avx2 avx512f", False),
        (None, False),
    ],
)
def test_the_processor_is_asked_for_bfloat16(tmp_path, monkeypatch, flags, expected):
    monkeypatch.setattr(workbench, "_CPUINFO", tmp_path / "cpuinfo")
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")

    assert workbench.has_bfloat16() is expected


def test_without_bfloat16_amp_is_off_and_it_says_so(train, stored, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(workbench, "_CPUINFO", tmp_path / "nothing")
    report = Collecting()
    start = stored(arch="npp-light")
    trained = train(start=start, report=report, amp=True)

    assert report.notes[0].startswith("--amp is off: this processor has no bfloat16")
    assert trained.made["config"]["amp"] is False
    assert "--amp is off" in (tmp_path / "out" / "log.jsonl").read_text()
    with workbench.workbench(Config(tmp_path, folder, amp=True), report, "jpeg") as bench:
        assert not bench.precision._enabled
        assert not bench.config.amp


@pytest.fixture
def stored(tmp_path):
    """A function that stores an untrained network and gives its path as text."""

    def run(**config):
        path = tmp_path / "start.safetensors"
        path.write_bytes(checkpoint.dump(Npp(width=4, **config), "npp", {}))
        return str(path)

    return run


def test_weights_to_begin_with_are_adapted_to_the_qp(train, stored):
    trained = train(start=stored(arch="npp-light", qa=False))

    assert trained.network.config == {"arch": "npp-light", "qa": True, "width": 4}
    assert trained.made["slopes"]["tiny.net"]["log_lmbda"] == [0.0]


def test_without_adaptation_it_stays_without(train, stored):
    trained = train(start=stored(arch="npp-residual", qa=False), qa=False)

    assert trained.network.config["qa"] is False


def test_options_that_do_not_fit_the_weights_to_begin_with(train, stored):
    start = stored(arch="npp-light")
    with pytest.raises(UsageError, match="its --arch is npp-light, which npp cannot continue"):
        train(start=start, arch="npp")
    with pytest.raises(UsageError, match="leave out --no-qa"):
        train(start=start, qa=False)


def test_two_recognisers_of_one_name(train):
    with pytest.raises(UsageError, match="two models of one name"):
        train(models=("a/x.safetensors", "b/x.safetensors"), arch="npp-light")


def test_slopes_are_kept_for_resuming(train, stored, tmp_path):
    start = stored(arch="npp-light")
    train(start=start)
    again = train(start=start, resume=True, max_steps=2)
    assert again.made["slopes"]["tiny.net"]["log_lmbda"] == [0.0]
    with pytest.raises(UsageError, match="was trained with lmbda 1, not 77: give the same options"):
        train(start=start, resume=True, max_steps=3, lmbda="77")

    path = tmp_path / "out" / "state.safetensors"
    path.write_bytes(checkpoint.tensors_file({"a": torch.zeros(1)}, {}))
    with pytest.raises(BadInputError, match="not of this training"):
        train(start=start, resume=True, max_steps=3)


def test_one_qp_has_the_lambda_that_it_has_in_a_range(train, stored, tmp_path):
    start = stored(arch="npp-light")
    one = train(start=start, lmbda="slope", loss="features").made["slopes"]
    (tmp_path / "out" / "state.safetensors").unlink()
    assert train(start=start, lmbda="slope", loss="features", qps=[34]).made["slopes"] == one


def test_labels_come_from_the_data(train, stored, folder, tmp_path):
    labelled = tmp_path / "labelled"
    for number, path in enumerate(sorted(folder.iterdir())):
        place = labelled / "ab"[number % 2] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    start = stored(arch="npp-light")

    assert train(start=start, data=labelled, loss="labels").made["loss"] == "labels"
    with pytest.raises(BadInputError, match="has no labels for classification"):
        train(start=start, loss="labels")


@pytest.fixture
def learned(tmp_path):
    """The path of a stored, untrained proxy."""
    pytest.importorskip("compressai")
    from neurocodec.networks.proxy import Proxy

    path = tmp_path / "proxy.safetensors"
    torch.manual_seed(0)
    path.write_bytes(checkpoint.dump(Proxy(width=8, latents=12), "proxy", {"qps": [28, 41]}))
    return path


@pytest.mark.parametrize("swapping", [True, False])
def test_a_learned_proxy_serves_with_the_codec_and_without(train, stored, learned, swapping):
    record = train(
        start=stored(arch="npp-light"), proxies=[str(learned)], swapping=swapping, size=64
    ).made

    assert record["swapping"] is swapping
    assert record["proxy"] == f"Proxy {hashlib.sha256(learned.read_bytes()).hexdigest()[:12]}"


def test_installed_weights_are_begun_with_and_served_by_their_names(
    train, stored, learned, tmp_path, monkeypatch
):
    monkeypatch.setenv("NEUROCODEC_WEIGHTS", str(tmp_path / "shelf"))
    (tmp_path / "shelf").mkdir()
    release.add(Path(stored(arch="npp-light")), "mine")
    release.add(learned, "stand-in")

    trained = train(start="mine", proxies=["stand-in"], size=64)

    assert trained.network.config["arch"] == "npp-light"
    assert trained.made["proxy"].startswith("Proxy ")
    with pytest.raises(MissingError, match=r"'other' \(installed: mine, st"):
        train(start="other")


def test_a_training_goes_on_with_its_proxy(train, stored, learned):
    start = stored(arch="npp-light")
    assert train(start=start).made["proxy"].startswith("DctProxy(8×8")
    with pytest.raises(UsageError, match="was trained with proxy DctProxy"):
        train(start=start, proxies=[str(learned)], size=64, resume=True, max_steps=2)


def test_random_crops_are_for_classification(tmp_path):
    options = NppOptions("jpeg", [34], Recognition(["x"], "detection"), random_crops=True)
    with pytest.raises(UsageError, match="--random-crops is for classification"):
        npp.train(options, Config(tmp_path, tmp_path, max_steps=1), Report())


def test_a_proxy_that_knows_no_number_of_bits_serves_only_beside_the_codec(tmp_path):
    options = NppOptions("jpeg", [34], Recognition(["x"]), swapping=False)
    with pytest.raises(UsageError, match="--no-swap needs --proxy"):
        npp.train(options, Config(tmp_path, tmp_path, max_steps=1), Report())
