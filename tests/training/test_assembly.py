import hashlib
import json
from pathlib import Path

import pytest
import torch

from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint, release
from neurocodec.networks.npp import Npp
from neurocodec.networks.proxy import Proxy
from neurocodec.training.assembly.npp import NppOptions, train_npp
from neurocodec.training.config import Config
from tests.networks.recogniser_files import CLASSIFIER, write

SMALL = {"size": 32, "batch": 1, "micro_batch": 1, "validation": 2, "jobs": 0, "device": "cpu"}


@pytest.fixture
def train(folder, tmp_path):
    """A function that trains one step more, and gives back what it made."""
    model = str(write(tmp_path, CLASSIFIER))

    def run(
        *,
        models=(model,),
        arch=None,
        qa=True,
        start=None,
        lmbda="1",
        data=folder,
        loss=None,
        proxies=(),
        swapping=True,
        **settings,
    ):
        how = {"loss": loss, "proxies": proxies, "swapping": swapping}
        options = NppOptions("jpeg", range(28, 42), models, arch, qa, lmbda, start, **how)
        config = Config(tmp_path / "out", data, **SMALL | {"max_steps": 1} | settings)
        train_npp(options, config, lambda record: None)
        return checkpoint.load((tmp_path / "out" / "npp.safetensors").read_bytes(), "npp")

    return run


@pytest.fixture
def stored(tmp_path):
    """A function that stores an untrained network and gives its path as text."""

    def run(**config):
        path = tmp_path / "start.safetensors"
        path.write_bytes(checkpoint.dump(Npp(width=4, **config), "npp", {}))
        return str(path)

    return run


def test_weights_to_begin_with_are_adapted_to_the_qp(train, stored):
    found = train(start=stored(arch="npp-light", qa=False))

    assert found.network.config == {"arch": "npp-light", "qa": True, "width": 4}
    assert found.made["exchange_rates"]["log_lmbda"] == {"tiny.net": [0.0]}


def test_without_adaptation_it_stays_without(train, stored):
    found = train(start=stored(arch="npp-residual", qa=False), qa=False)

    assert found.network.config["qa"] is False


def test_options_that_do_not_fit_the_weights_to_begin_with(train, stored):
    start = stored(arch="npp-light")
    with pytest.raises(UsageError, match="is of --arch npp-light, not npp"):
        train(start=start, arch="npp")
    with pytest.raises(UsageError, match="leave out --no-qa"):
        train(start=start, qa=False)


def test_two_recognisers_of_one_name(train):
    with pytest.raises(UsageError, match="two models of one name"):
        train(models=("a/x.safetensors", "b/x.safetensors"), arch="npp-light")


def test_exchange_rates_are_kept_for_who_resumes(train, stored, tmp_path):
    start = stored(arch="npp-light")
    train(start=start)
    again = train(start=start, resume=True, max_steps=2, lmbda="7")
    assert again.made["exchange_rates"]["log_lmbda"] == {"tiny.net": [0.0]}

    kept = tmp_path / "out" / "exchange_rates.json"
    rates = json.loads(kept.read_text())
    kept.write_text(json.dumps(rates | {"log_lmbda": {"other": [0.0]}}))
    with pytest.raises(UsageError, match="this training is for other"):
        train(start=start, resume=True, max_steps=3)
    kept.write_text("{")
    with pytest.raises(BadInputError, match="holds no exchange rates"):
        train(start=start, resume=True, max_steps=3)


def test_the_weights_say_task_and_loss(train, stored):
    made = train(start=stored(arch="npp-light"), loss="features:gamma=0.5").made

    assert (made["task"], made["loss"]) == ("classification", "features:gamma=0.5")


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


def test_a_given_lambda_asks_for_no_slope(train, stored, monkeypatch):
    """A codec whose distances are noise has none to measure."""
    monkeypatch.setattr("neurocodec.training.exchange.mean_distance", lambda *given: 1.0)
    start = stored(arch="npp-light")

    assert train(start=start, lmbda="2").made["task"] == "classification"


@pytest.fixture
def learned(tmp_path):
    """Where an untrained proxy is stored."""
    path = tmp_path / "proxy.safetensors"
    torch.manual_seed(0)
    path.write_bytes(checkpoint.dump(Proxy(width=8, latents=12), "proxy", {"qps": [28, 41]}))
    return path


@pytest.mark.parametrize("swapping", [True, False])
def test_a_learned_proxy_serves_with_the_codec_and_without(train, stored, learned, swapping):
    made = train(
        start=stored(arch="npp-light"), proxies=[str(learned)], swapping=swapping, size=64
    ).made

    assert made["swapping"] is swapping
    assert made["proxy"] == f"Proxy {hashlib.sha256(learned.read_bytes()).hexdigest()[:12]}"


def test_installed_weights_are_begun_with_and_served_by_their_names(
    train, stored, learned, tmp_path, monkeypatch
):
    monkeypatch.setenv("NEUROCODEC_WEIGHTS", str(tmp_path / "shelf"))
    (tmp_path / "shelf").mkdir()
    release.add(Path(stored(arch="npp-light")), release.Release("mine"))
    release.add(learned, release.Release("stand-in"))

    found = train(start="mine", proxies=["stand-in"], size=64)

    assert found.network.config["arch"] == "npp-light"
    assert found.made["proxy"].startswith("Proxy ")
    with pytest.raises(MissingError, match="no weights are called 'other': installed are mine, st"):
        train(start="other")


def test_a_training_goes_on_with_its_own_proxy(train, stored, learned):
    start = stored(arch="npp-light")
    assert train(start=start).made["proxy"].startswith("DctProxy(8×8")
    with pytest.raises(UsageError, match="it had proxy DctProxy"):
        train(start=start, proxies=[str(learned)], size=64, resume=True, max_steps=2)


@pytest.mark.parametrize("lmbda", ["nan", "inf", "28=nan,34=1", "-1", "0"])
def test_a_lambda_is_a_number_above_0(train, stored, lmbda):
    with pytest.raises(UsageError, match="λ"):
        train(start=stored(arch="npp-light"), lmbda=lmbda)


def test_partial_views_are_for_classification(tmp_path):
    options = NppOptions(
        "jpeg", [34], ["x"], None, True, "1", None, task="detection", partial_views=True
    )
    with pytest.raises(UsageError, match="--partial-views is for classification"):
        train_npp(options, Config(tmp_path, tmp_path, max_steps=1), lambda record: None)


def test_a_proxy_that_knows_no_number_of_bits_serves_only_beside_the_codec(tmp_path):
    options = NppOptions("jpeg", [34], ["x"], None, True, "1", None, swapping=False)
    with pytest.raises(UsageError, match="--no-swap needs --proxy"):
        train_npp(options, Config(tmp_path, tmp_path, max_steps=1), lambda record: None)
