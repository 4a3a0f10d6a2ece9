import hashlib
import json

import pytest
import torch

from neurocodec import filters, weights
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.networks import checkpoint, release
from neurocodec.networks.npp import Npp
from tests.conftest import picture

MEASURED = {
    "bd_rate_percent": -12.34,
    "interval": [-20.0, -4.0],
    "metric": "kl",
    "pictures": 500,
    "data": "/somewhere/pictures",
    "model": "tiny",
    "anchor": "codec=jpeg,pre=none",
    "test": "codec=jpeg,pre=auto",
}

NO_PAIR = json.dumps(MEASURED | {"interval": []})


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty folder of weights that is the installed one."""
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "shelf"))
    return tmp_path / "shelf"


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    return stored(tmp_path / "npp.safetensors", random(Npp(arch="npp-light", width=4)), "npp")


@pytest.fixture
def proxy(tmp_path):
    pytest.importorskip("compressai")
    from neurocodec.networks.proxy import Proxy

    return stored(tmp_path / "proxy.safetensors", Proxy(width=8, latents=8), "proxy")


def stored(path, network, kind):
    made = {"codec": "jpeg", "qps": [22, 45], "config": {"command": "train-npp …", "data": "d"}}
    path.write_bytes(checkpoint.dump(network, kind, made))
    return path


def load(name):
    """The network of weights, checked against the manifest."""
    return checkpoint.load(weights.read(name), name)


def random(network):
    """The network with layers that begin at zero at other values too."""
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def test_what_is_added_is_found_verified_and_used_by_name(shelf, trained):
    target = release.add(trained, "mine", automatic=["jpeg"])

    assert target == shelf / "mine.safetensors"
    assert weights.automatic() == {"jpeg": "npp:weights=mine"}
    assert weights.automatic_for("mine") == ["jpeg"]
    assert weights.entry("mine")["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert load("mine").made["codec"] == "jpeg"
    filtered = filters.create("npp:weights=mine")(picture(32, 32), 34)
    assert filtered.pixels.shape == (32, 32, 3)


def test_a_second_one_leaves_the_first(shelf, trained):
    release.add(trained, "one", automatic=["jpeg", "bpg"])
    release.add(trained, "two", automatic=["bpg"])

    assert list(weights.installed()) == ["one", "two"]
    assert weights.automatic_for("one") == ["jpeg"]
    assert weights.automatic_for("two") == ["bpg"]


def test_half_precision_halves_the_file_and_hardly_changes_the_network(shelf, trained):
    target = release.add(trained, "half", half=True)

    assert target.stat().st_size < 0.7 * trained.stat().st_size
    whole, half = checkpoint.load(trained.read_bytes(), "x"), load("half")
    x = torch.rand(1, 3, 32, 32)
    difference = (whole.network(x, 34.0) - half.network(x, 34.0)).abs().max()
    assert 0 < difference < 1 / 255
    assert half.made == whole.made


def test_the_card_says_what_made_it_and_what_was_measured(shelf, trained):
    release.add(trained, "mine", {"commit": "abc", "note": "For signs.", "measured": [MEASURED]})

    card = (shelf / "mine.md").read_text()
    assert card == release.card("mine", weights.entry("mine"))
    assert "- command: train-npp …\n" in card
    assert "- commit: abc\n" in card
    assert "- qps: 22, 45\n" in card
    assert "\n\nFor signs.\n\n" in card
    cells = ("pictures", "tiny", MEASURED["anchor"], MEASURED["test"], "kl", "−12.3 %")
    assert f"| {' | '.join(cells)} | [−20.0, −4.0] | 500 |" in card


def test_the_cards_of_the_project_are_those_of_its_manifest(project_weights):
    for name, entry in weights.installed().items():
        assert (weights.folder() / f"{name}.md").read_text() == release.card(name, entry)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: None, r"mine\.safetensors: cannot be read \(No such file.*: add the weights"),
        (lambda data: data[:-12], r"is truncated: 12 of its [\d,]+ bytes are missing: add"),
        (lambda data: data[:-1] + b"x", r"was altered: its sha256 is \w{12}…, not \w{12}…: add"),
        (lambda data: data + b"x", r"was altered: its sha256 is \w{12}…, not \w{12}…: add"),
    ],
    ids=["missing", "truncated", "altered", "longer"],
)
def test_a_damaged_file_is_not_used_and_the_message_tells_how(shelf, trained, damage, message):
    target = release.add(trained, "mine")
    damaged = damage(target.read_bytes())
    target.unlink()
    if damaged is not None:
        target.write_bytes(damaged)

    with pytest.raises(MissingError, match=message):
        weights.read("mine")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "-x", "a:b", "a\nb", "caf\udce9"])
def test_names_that_are_none(shelf, trained, name):
    with pytest.raises(UsageError, match="cannot be a name of weights"):
        release.add(trained, name)
    assert not shelf.exists()


def test_a_page_that_is_no_card_is_left_alone(shelf, trained):
    shelf.mkdir()
    (shelf / "LOG.md").write_text("What was tried")

    with pytest.raises(UsageError, match="choose another name"):
        release.add(trained, "LOG")
    assert (shelf / "LOG.md").read_text() == "What was tried"


def test_what_is_no_filter_is_never_the_automatic_one(shelf, trained, proxy):
    with pytest.raises(UsageError, match="a proxy is not a filter"):
        release.add(proxy, "mimic", automatic=["jpeg"])
    release.add(trained, "mine", automatic=["jpeg"])
    with pytest.raises(UsageError, match="a proxy is not a filter"):
        release.add(proxy, "mine")

    assert weights.automatic() == {"jpeg": "npp:weights=mine"}
    load("mine")
    release.add(proxy, "mimic")
    assert load("mimic").kind == "proxy"


def test_weights_of_that_name_are_replaced_and_stay_automatic(shelf, trained):
    first = release.add(trained, "mine", automatic=["jpeg"])
    size = first.stat().st_size
    second = release.add(trained, "mine", half=True)

    assert not first.exists()
    assert second.stat().st_size < size
    assert weights.automatic_for("mine") == ["jpeg"]
    load("mine")


def test_replaced_weights_stay_until_the_manifest_means_the_new_ones(shelf, trained, monkeypatch):
    release.add(trained, "mine")

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(weights, "enter", interrupted)
        release.add(trained, "mine", half=True)

    load("mine")


def test_what_16_bits_cannot_hold_is_not_halved(shelf, tmp_path):
    network = Npp(arch="npp-light", width=4)
    next(network.parameters()).data[0] = 1e6
    path = stored(tmp_path / "large.safetensors", network, "npp")

    with pytest.raises(BadInputError, match="leave out --half"):
        release.add(path, "large", half=True)
    release.add(path, "large")


def test_what_a_file_says_of_itself_does_not_count_for_what_can_be_seen(shelf, tmp_path):
    made = {"file": "../other", "sha256": "0", "network": "tv", "config": None, "steps": 3}
    path = tmp_path / "odd.safetensors"
    path.write_bytes(checkpoint.dump(Npp(arch="npp-light", width=4), "npp", made))

    release.add(path, "odd", {"note": "\udcff"})

    said = weights.entry("odd")
    assert (said["file"], said["network"], said["steps"]) == ("odd.safetensors", "npp", 3)
    load("odd")


def test_two_that_add_do_not_lose_each_others(shelf, trained):
    release.add(trained, "one")
    manifest = shelf / "manifest.json"
    said = json.loads(manifest.read_text())
    said["weights"]["two"] = said["weights"]["one"]  # as another process would
    manifest.write_text(json.dumps(said))
    release.add(trained, "three")

    assert sorted(weights.installed()) == ["one", "three", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "null",
        '{"weights": []}',
        '{"auto": []}',
        '{"auto": {"bpg": null}}',
        '{"auto": {"bpg": "npp:weights"}}',
        '{"weights": {"a": {}}}',
        '{"weights": {"a": {"file": "../b", "sha256": "00"}}}',
        '{"weights": {"a": {"file": "b", "sha256": "0x"}}}',
    ],
)
def test_a_damaged_manifest_is_said(shelf, trained, text):
    shelf.mkdir()
    (shelf / "manifest.json").write_text(text)
    for ask in (weights.installed, weights.automatic, lambda: weights.read("a")):
        with pytest.raises(MissingError, match="manifest"):
            ask()
    with pytest.raises(MissingError, match="manifest"):
        release.add(trained, "mine")
    assert not (shelf / "mine.safetensors").exists()


def test_a_folder_that_is_named_must_be_there(shelf):
    with pytest.raises(MissingError, match="no such folder: correct or unset it"):
        weights.installed()


def test_what_holds_no_network_is_not_added(shelf, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"nothing")

    with pytest.raises(BadInputError):
        release.add(tmp_path / "x.safetensors", "mine")
    assert not shelf.exists()


@pytest.mark.parametrize("text", ["no json", "[]", '{"bd_rate_percent": -1}', NO_PAIR])
def test_measurements_that_are_none(tmp_path, text):
    (tmp_path / "bd.jsonl").write_text(text)

    with pytest.raises(BadInputError, match="bdrate --json"):
        release.measurements(tmp_path / "bd.jsonl")


def test_measurements_are_read_line_by_line(tmp_path):
    (tmp_path / "bd.jsonl").write_text(json.dumps(MEASURED) + "\n\n" + json.dumps(MEASURED) + "\n")

    assert release.measurements(tmp_path / "bd.jsonl") == [MEASURED, MEASURED]


def test_a_card_counts_the_operations_of_a_recogniser():
    ops = [{"op": "focus"}] * 3
    config = {"latents": 4, "recogniser": {"ops": ops, "layer": "b", "output": "c"}}
    short = {"latents": 4, "recogniser": {"layer": "b", "operations": 3}}
    assert release._architecture(config) == short
    assert release._architecture({"width": 2}) == {"width": 2}
