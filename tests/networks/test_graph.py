"""The list of operations, each against torch's own functions."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from neurocodec.errors import BadInputError
from neurocodec.networks.recognisers.graph import Graph
from tests.networks.recogniser_files import CLASSIFIER_OPS, Op, conv, weights

X = torch.rand(2, 4, 9, 12, generator=torch.Generator().manual_seed(1)) - 0.5


def run(*ops: Op, x: Tensor = X) -> Tensor:
    name = ops[-1]["name"]
    return Graph(ops, weights(ops), [name])(x)[name]


@pytest.mark.parametrize("pad", [[0, 1, 0, 1], [1, 0, 2, 3], [1, 1, 1, 1], [2, 2, 1, 1]])
@pytest.mark.parametrize("groups", [1, 4])
def test_conv_pads_left_right_top_bottom(pad: list[int], groups: int) -> None:
    op = conv("a", "input", (4, 8), stride=2, pad=pad, groups=groups)
    tensors = weights([op])
    padded = torch.zeros(2, 4, 9 + pad[2] + pad[3], 12 + pad[0] + pad[1])
    padded[..., pad[2] : pad[2] + 9, pad[0] : pad[0] + 12] = X
    expected = functional.conv2d(padded, tensors["a.weight"], tensors["a.bias"], 2, groups=groups)
    assert torch.allclose(run(op), expected, atol=1e-6)


def test_only_a_strided_depthwise_convolution_stays_exact_under_bfloat16() -> None:
    strided = conv("a", "input", (4, 4), stride=2, groups=4)
    exact = run(strided)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(run(strided, x=X.bfloat16().float()), run(strided, x=X.bfloat16()))
        assert torch.equal(run(strided), exact)
        assert run({**strided, "stride": 1}).dtype == torch.bfloat16
        assert run({**strided, "groups": 1}).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("act", "function"),
    [
        ("relu", functional.relu),
        ("relu6", functional.relu6),
        ("silu", functional.silu),
        ("sigmoid", torch.sigmoid),
        ("leaky0.1", lambda x: functional.leaky_relu(x, 0.1)),
    ],
)
def test_activation_follows_the_convolution(act: str, function) -> None:
    plain = 9 * X[:, :1]
    op = conv("a", "input", (1, 3), act=act)
    before = run({**op, "act": "none"}, x=plain)
    assert before.max() > 6
    assert torch.equal(run(op, x=plain), function(before))


def test_add_and_concat() -> None:
    pool = {"op": "global_avgpool", "name": "mean", "input": "input"}
    total = run(pool, {"op": "add", "name": "b", "inputs": ["input", "mean"], "act": "none"})
    assert torch.allclose(total, X + X.mean((2, 3), keepdim=True))
    joined = run({"op": "concat", "name": "b", "inputs": ["input", "input"]})
    assert torch.equal(joined, torch.cat([X, X], 1))


@pytest.mark.parametrize("ceil_mode", [True, False])
def test_maxpool(ceil_mode: bool) -> None:
    op = {"op": "maxpool", "name": "a", "input": "input", "kernel": 3, "stride": 2, "padding": 1}
    expected = functional.max_pool2d(X, 3, 2, 1, ceil_mode=ceil_mode)
    assert torch.equal(run({**op, "ceil_mode": ceil_mode}), expected)


def test_upsampling_repeats_every_sample() -> None:
    op = {"op": "upsample2_nearest", "name": "a", "input": "input"}
    expected = X.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.equal(run(op), expected)


def test_focus_takes_rows_before_columns() -> None:
    x = torch.arange(4.0).view(1, 1, 2, 2)  # 0 1 / 2 3
    assert run({"op": "focus", "name": "a", "input": "input"}, x=x).flatten().tolist() == [
        0,
        2,
        1,
        3,
    ]


@pytest.mark.parametrize("dilation", [2, 3])
def test_a_dilated_convolution(dilation: int) -> None:
    op = conv("a", "input", (4, 4), groups=4, pad=[dilation] * 4, dilation=dilation)
    weight, bias = weights([op]).values()
    expected = functional.conv2d(X, weight, bias, padding=dilation, dilation=dilation, groups=4)
    assert torch.equal(run(op), expected)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("output_padding", [0, 1])
def test_a_transposed_convolution(groups: int, output_padding: int) -> None:
    op = conv("a", "input", (4, 8), kernel=4, stride=2, groups=groups, act="relu")
    op |= {"op": "deconv", "padding": 1, "output_padding": output_padding}
    weight, bias = weights([op]).values()
    made = functional.conv_transpose2d(X, weight, bias, 2, 1, output_padding, groups)
    assert torch.equal(run(op), made.relu())


def test_slice_shuffle_and_group_norm() -> None:
    cut = {"op": "slice", "name": "a", "input": "input", "start": 1, "end": 3}
    assert torch.equal(run(cut), X[:, 1:3])
    mixed = run({"op": "shuffle", "name": "a", "input": "input", "groups": 2})
    assert torch.equal(mixed, X[:, [0, 2, 1, 3]])
    op = {"op": "group_norm", "name": "a", "input": "input", "groups": 2, "channels": 4, "eps": 0.1}
    expected = functional.group_norm(X, 2, *weights([op]).values(), 0.1)
    assert torch.allclose(run(op), expected)
    assert Graph([op], weights([op]), ["a"]).tensors().keys() == {"a.weight", "a.bias"}


RESIZE = {
    "op": "resize_bilinear",
    "name": "a",
    "input": "input",
    "align_corners": False,
    "half_pixel": False,
}


@pytest.mark.parametrize("size", [[4, 5], [18, 24], [9, 40]])
@pytest.mark.parametrize("align_corners", [True, False])
def test_a_bilinear_resize_is_torchs(size: list[int], align_corners: bool) -> None:
    op = {**RESIZE, "size": size, "align_corners": align_corners, "half_pixel": not align_corners}
    expected = functional.interpolate(X, size, mode="bilinear", align_corners=align_corners)
    assert torch.equal(run(op), expected)


def test_a_bilinear_resize_by_tensorflows_first_rule() -> None:
    resized = run({**RESIZE, "scale": 1.5})

    assert resized.shape == (2, 4, 13, 18)
    for row, column in ((0, 0), (4, 7), (12, 17)):
        y, x = row * 9 / 13, column * 12 / 18
        top, left = int(y), int(x)
        bottom, right = min(top + 1, 8), min(left + 1, 11)
        above = X[..., top, left] * (1 - x + left) + X[..., top, right] * (x - left)
        below = X[..., bottom, left] * (1 - x + left) + X[..., bottom, right] * (x - left)
        expected = above * (1 - y + top) + below * (y - top)
        assert torch.allclose(resized[..., row, column], expected, atol=1e-6)
    one = run({**RESIZE, "size": [3, 2]}, x=X[..., :1, :1])
    assert torch.equal(one, X[..., :1, :1].expand(2, 4, 3, 2))


@pytest.mark.parametrize(
    "op",
    [
        {**RESIZE, "size": [1 << 20, 1 << 20]},
        {**RESIZE, "scale": 1000.0},
        {**conv("a", "input", (4, 4), kernel=1, stride=2000), "op": "deconv", "padding": 0},
        {"op": "slice", "name": "a", "input": "input", "start": 1, "end": 5},
    ],
)
def test_what_would_be_too_large_is_refused_before_its_memory_is_taken(op) -> None:
    with pytest.raises(BadInputError, match="the recogniser"):
        run(op, x=X.repeat(2, 1, 4, 4))


def test_outputs_are_kept_though_others_read_them() -> None:
    ops = [conv("a", "input", (4, 2)), conv("b", "a", (2, 3)), conv("c", "b", (3, 1))]
    outputs = Graph(ops, weights(ops), ["c", "a"])(X)
    assert {name: tensor.shape[1] for name, tensor in outputs.items()} == {"c": 1, "a": 2}


def test_building_leaves_the_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    Graph(CLASSIFIER_OPS, weights(CLASSIFIER_OPS), ["logits"])
    assert torch.equal(before, torch.random.get_rng_state())


CONV = conv("a", "input", (4, 8))


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ({**CONV, "op": "gru"}, "unknown kind 'gru'"),
        ({**CONV, "act": "gelu"}, "'gelu' is missing or not known"),
        ({**CONV, "input": "z"}, "reads 'z'"),
        ({**CONV, "pad": [1, 1]}, "cannot be built"),
        ({**CONV, "pad": [1, 1, 1, 1 << 20]}, "pads by more than 1024"),
        ({"op": "slice", "name": "a", "input": "input", "start": 2, "end": 2}, "out of range"),
        ({**RESIZE, "size": [4, 4], "scale": 2}, "one of size and scale"),
        ({**RESIZE, "size": [0, 4]}, "out of range"),
        ({**RESIZE, "scale": 1e9}, "out of range"),
        ({**CONV, "out_channels": 16}, "cannot be built"),
        ({"op": "conv", "input": "input"}, "op 0 cannot be built .'name' is missing"),
        ({"op": "focus", "name": "a"}, "op 'a' cannot be built .'input' is missing"),
        ({"op": "maxpool", "name": "a", "input": "input"}, "'kernel' is missing"),
        ({"op": "focus", "name": "a", "input": "input"}, "2 tensors belong to no op"),
        ("conv", "op 0 cannot be built"),
    ],
)
def test_a_wrong_op_is_named(op, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Graph([op], weights([CONV]), ["a"])


def test_missing_weights_and_outputs_are_named() -> None:
    with pytest.raises(ValueError, match=r"'a\.bias' is missing"):
        Graph([CONV], {"a.weight": weights([CONV])["a.weight"]}, ["a"])
    with pytest.raises(ValueError, match="no op computes the output 'b'"):
        Graph([CONV], weights([CONV]), ["b"])
