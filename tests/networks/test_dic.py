"""DIC's network: what it codes it decodes, iteration by iteration."""

import pytest
import torch
from torch import nn

from neurocodec.networks.dic import BITS, Dic, binarised
from neurocodec.networks.recurrent import CELLS, ConvGru, ConvLstm


def network(**settings) -> Dic:
    torch.manual_seed(0)
    return Dic(width=4, **settings).eval()


X = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reconstruction", ["additive", "one-shot"])
def test_the_decoder_makes_of_the_bits_what_the_encoder_saw(cell, reconstruction):
    made = network(cell=cell, reconstruction=reconstruction)
    with torch.no_grad():
        pictures = made(X, 3)

    bits = made.encode(X, 3)

    assert bits.shape == (3, 2, BITS, 2, 3)
    assert pictures.shape == (3, 2, 3, 32, 48)
    for count in (1, 2, 3):
        assert torch.allclose(made.decode(bits[:count]), pictures[count - 1].clamp(0, 1), atol=1e-6)


def test_reconstructions_differ_from_the_second_iteration_on():
    one, other = (network(reconstruction=name)(X, 2) for name in ("additive", "one-shot"))

    assert torch.equal(one[0], other[0])
    assert not torch.allclose(one[1], other[1])


def test_every_weight_learns():
    made = network(cell="residual-gru").train()
    made(X, 2).square().sum().backward()

    assert all(parameter.grad.abs().sum() > 0 for parameter in made.parameters())


def test_bits_are_drawn_by_the_code_and_have_its_gradient():
    code = torch.full((100_000,), 0.5, requires_grad=True)
    torch.manual_seed(0)
    drawn = binarised(code, at_random=True)
    (3 * drawn).sum().backward()

    assert set(drawn.tolist()) == {-1.0, 1.0}
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.01)
    assert (code.grad == 3).all()
    nearer = binarised(torch.tensor([-0.1, 0.0, 0.2]), at_random=False)
    assert nearer.tolist() == [-1.0, -1.0, 1.0]


def test_an_lstm_on_one_pixel_is_torchs():
    torch.manual_seed(0)
    ours, theirs = ConvLstm(3, 5, stride=1, kernel=1), nn.LSTMCell(3, 5)
    order = [
        1,
        0,
        3,
        2,
    ]  # torch has input, forget, change, output; ours forget, input, output, change
    rows = torch.cat([torch.arange(5) + 5 * place for place in order])
    with torch.no_grad():
        ours.of_input.weight[:, :, 1, 1] = theirs.weight_ih[rows]
        ours.of_input.bias.copy_((theirs.bias_ih + theirs.bias_hh)[rows])
        ours.of_state.weight[:, :, 0, 0] = theirs.weight_hh[rows]
    x, state, expected = torch.randn(2, 3), None, None
    for _ in range(3):
        output, state = ours(x[..., None, None], state)
        expected = theirs(x, expected)
        assert torch.allclose(output[..., 0, 0], expected[0], atol=1e-6)


def test_a_gru_keeps_what_its_gate_says():
    torch.manual_seed(0)
    cell = ConvGru(3, 4, stride=1, kernel=3)
    h = torch.randn(1, 4, 6, 6)
    with torch.no_grad():
        cell.of_state.weight.zero_()
        cell.of_input.weight.zero_()
        cell.of_input.bias[:4] = -20.0  # z = 0
    kept, _ = cell(torch.randn(1, 3, 6, 6), (h,))
    with torch.no_grad():
        cell.of_input.bias[:4] = 20.0
    replaced, _ = cell(torch.randn(1, 3, 6, 6), (h,))

    assert torch.allclose(kept, h, atol=1e-5)
    r = cell.of_input.bias[4:8].sigmoid()[:, None, None]
    change = (cell.of_input.bias[8:, None, None] + cell.of_kept(r * h)).tanh()
    assert torch.allclose(replaced, change, atol=1e-5)


def test_another_cell_is_refused():
    with pytest.raises(ValueError, match="the known ones are gru, lstm, residual-gru, additive"):
        Dic(cell="rnn")
