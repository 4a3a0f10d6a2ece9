"""SPIC's network: rounding, symbols, and recognisers that are cut in two."""

import pytest
import torch

from neurocodec.errors import BadInputError
from neurocodec.networks import checkpoint
from neurocodec.networks.recognisers import load
from neurocodec.networks.recognisers.splitting import blank, halves
from neurocodec.networks.spic import Back, Front, Spic, rounded
from tests.networks.recogniser_files import conv, weights, write
from tests.networks.spic_files import CHANNELS, CLASSES, spic_network

OPS = [
    conv("a", "input", (3, 8), stride=4, act="relu6"),
    conv("b", "a", (8, 8), stride=2),
    conv("c", "b", (8, 8), act="relu"),
    {"op": "add", "name": "d", "inputs": ["b", "c"]},
    conv("e", "d", (8, 12), stride=2),
    {"op": "global_avgpool", "name": "pool", "input": "e"},
    conv("logits", "pool", (12, 10), kernel=1, pad=[0, 0, 0, 0]),
]
DESCRIBED = {"input": {"size": 32, "sub": 100, "mul": 0.02}, "output": "logits", "ops": OPS}


@pytest.fixture
def network():
    return spic_network().eval()


def test_what_is_forward_in_training_is_what_is_coded(network):
    x, qf = torch.rand(2, 3, 48, 32), 24
    seen = network(x, torch.full((2,), float(qf)))

    symbols = network.encode(x, qf)

    assert symbols.shape == (2, CHANNELS, 3, 2)
    assert symbols.dtype == torch.int32
    assert torch.allclose(network.classify(symbols, qf), seen.logits, atol=1e-5)
    assert torch.allclose(network.decode(symbols, qf), seen.pictures.clamp(0, 1), atol=1e-5)
    assert seen.logits.shape == (2, CLASSES)
    assert seen.pictures.shape == x.shape


def test_more_is_kept_at_higher_quality_factors(network):
    x = torch.rand(1, 3, 64, 64)
    rates = [network(x, torch.tensor([qf])).bits.item() for qf in (4.0, 16.0, 48.0, 128.0)]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_rounding_is_to_multiples_of_the_step_and_passes_the_gradient():
    latents = torch.linspace(-90, 90, 37).reshape(1, 1, 1, -1).requires_grad_()
    found = rounded(latents, torch.tensor([32.0]))

    assert torch.equal(found.detach() / 4, (found.detach() / 4).round())
    inside = latents.detach().abs() < 58
    assert ((found - latents).detach()[inside].abs() <= 2).all()
    assert float(found.detach().abs().max()) == 60
    found.sum().backward()
    assert torch.equal(latents.grad, torch.ones_like(latents))


def test_every_picture_has_a_quality_factor_of_its_own(network):
    x = torch.rand(1, 3, 32, 32).repeat(2, 1, 1, 1)
    both = network(x, torch.tensor([8.0, 128.0]))
    alone = network(x[1:], torch.tensor([128.0]))
    assert torch.allclose(both.pictures[1], alone.pictures[0], atol=1e-5)
    assert not torch.allclose(both.pictures[0], both.pictures[1], atol=1e-3)


def test_halves_together_are_the_network(tmp_path):
    recogniser = load(str(write(tmp_path, DESCRIBED, weights(OPS))))
    x = torch.rand(2, 3, 32, 32)
    for layer in ("a", "d", "e"):
        cut = halves(OPS, "logits", layer)
        front, back = cut.graphs(recogniser.network.tensors())
        (features,) = front(x).values()
        (logits,) = back(features).values()
        assert torch.allclose(logits, recogniser.network(x)["logits"], atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "message"),
    [("c", "'d' reads 'b', which goes around 'c'"), ("logits", "no layer"), ("x", "no layer")],
)
def test_a_cut_that_leaves_a_way_around_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        halves(OPS, "logits", layer)


def test_blank_tensors_have_the_shapes_of_the_operations():
    kept = weights(OPS)
    assert {name: tensor.shape for name, tensor in blank(OPS).items()} == {
        name: tensor.shape for name, tensor in kept.items()
    }


def test_a_cut_recogniser_is_kept_and_read_back():
    network = Spic(latents=6, width=4, recogniser={**DESCRIBED, "layer": "d"}).eval()
    assert isinstance(network.analysis, Front)
    assert isinstance(network.classifier, Back)
    assert network.stride == 8
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.2)
    x = torch.rand(1, 3, 32, 32)

    again = checkpoint.load(checkpoint.dump(network, "spic", {}), "x").network

    assert torch.equal(again.encode(x, 128), network.encode(x, 128))
    assert torch.equal(
        again.classify(network.encode(x, 128), 128), network.classify(network.encode(x, 128), 128)
    )


@pytest.mark.parametrize(
    ("layer", "message"), [("a", "stride of 4"), ("pool", "no map"), ("c", "goes around")]
)
def test_a_layer_that_does_not_serve_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        Spic(latents=6, width=4, recogniser={**DESCRIBED, "layer": layer})


def test_pixels_and_latents_are_made_in_float32(network):
    with torch.autocast("cpu", torch.bfloat16):
        seen = network(torch.rand(1, 3, 32, 32), torch.tensor([48.0]))
        assert seen.pictures.dtype == torch.float32
        assert network.analysis(torch.rand(1, 3, 32, 32)).dtype == torch.float32


def test_weights_that_are_no_numbers_are_refused(network):
    with torch.no_grad():
        network.analysis.bottleneck.weight.fill_(float("nan"))
    with pytest.raises(BadInputError, match="no numbers"):
        network.encode(torch.rand(1, 3, 32, 32), 48)
    network.density.table.zero_()
    with pytest.raises(BadInputError, match="counts"):
        network.expectation(48)


def test_a_description_that_no_network_has_is_a_damaged_file():
    ops = [{**OPS[0], "groups": 0}, *OPS[1:]]
    network = Spic(latents=6, width=4, recogniser={**DESCRIBED, "layer": "d"})
    network.config["recogniser"]["ops"] = ops
    with pytest.raises(BadInputError, match="holds no network"):
        checkpoint.load(checkpoint.dump(network, "spic", {}), "x")
