import torch

from neurocodec.training.random_crops import RandomCrop, cropped, draw_crops


def ramp(side=32):
    """A picture whose red is x and whose green is y, in [0, 1]."""
    line = (torch.arange(side) + 0.5) / side
    return torch.stack(
        [line.expand(side, side), line[:, None].expand(side, side), line.expand(side, side)]
    )


def test_the_whole_picture_mirrored_is_the_picture_mirrored():
    picture = torch.rand(3, 24, 40)

    assert torch.allclose(RandomCrop(1, 1, 0.3, 0.9, False)(picture), picture, atol=1e-6)
    assert torch.allclose(RandomCrop(1, 1, 0.3, 0.9, True)(picture), picture.flip(-1), atol=1e-6)


def test_a_part_is_brought_back_to_the_pictures_size():
    part = RandomCrop(0.5, 0.5, top=0.0, left=1.0, mirrored=False)(ramp())

    assert part.shape == (3, 32, 32)
    red, green = part[0], part[1]
    assert red.min() > 0.49 and red.max() > 0.97  # the right half
    assert green.max() < 0.51 and green.min() < 0.03  # of the top


def test_crops_depend_on_seed_and_step_alone():
    assert draw_crops(4, seed=1, step=2) == draw_crops(4, seed=1, step=2)
    assert draw_crops(4, seed=1, step=2) != draw_crops(4, seed=1, step=3)
    assert draw_crops(4, seed=1, step=2) != draw_crops(4, seed=2, step=2)
    assert len(set(draw_crops(4, seed=1, step=2))) == 4


def test_recognisers_see_each_picture_through_its_own_crop_and_gradients_come_back():
    pictures = torch.rand(2, 3, 32, 32, requires_grad=True)
    crops = [RandomCrop(1, 1, 0, 0, False), RandomCrop(0.75, 0.75, 0, 0, False)]

    parts = cropped(pictures, crops)
    parts.sum().backward()

    assert torch.allclose(parts[0], pictures[0], atol=1e-6)
    assert torch.allclose(parts[1], crops[1](pictures[1]))
    assert pictures.grad[0].min() > 0
    assert pictures.grad[1, :, 26:, 26:].abs().max() == 0  # what is not seen does not count


def test_without_crops_recognisers_see_the_pictures():
    pictures = torch.rand(2, 3, 8, 8)

    assert cropped(pictures, []) is pictures
