"""BPG's colour conversion once more, sample by sample and as plainly as the facts are written.

Slow and independent of the product's code: what that computes by planes, this does by loops.
"""

import numpy as np

WEIGHTS = {
    "ycbcr": (0.299, 0.114),
    "ycbcr_bt709": (0.2126, 0.0722),
    "ycbcr_bt2020": (0.2627, 0.0593),
}
DOWN_CENTRED = {0: 57, 1: 57, -1: 17, 2: 17, -2: -8, 3: -8, -3: -4, 4: -4, -4: 2, 5: 2}
DOWN_LEFT = {0: 64, -1: 40, 1: 40, -3: -11, 3: -11, -5: 4, 5: 4, -7: -1, 7: -1}
UP = (-1, 4, -10, 57, 18, -6, 2)
UP_LEFT = {-3: -1, -2: 4, -1: -11, 0: 40, 1: 40, 2: -11, 3: 4, 4: -1}


def clip(value, bit_depth):
    return min(max(value, 0), (1 << bit_depth) - 1)


def at(line, index):
    """The sample at `index`, the ends of the line repeated beyond it."""
    return line[min(max(index, 0), len(line) - 1)]


def ycc_of_rgb(r, g, b, bit_depth, color_space="ycbcr", limited=False):
    kr, kb = WEIGHTS[color_space]
    kg = 1 - kr - kb
    shift = 31 - bit_depth
    luma = (219 << (bit_depth - 8) if limited else 2**bit_depth - 1) * 2**shift / 255
    chroma = (224 << (bit_depth - 8) if limited else 2**bit_depth - 1) * 2**shift / 255
    black = 16 << (bit_depth - 8) if limited else 0
    half = 1 << (shift - 1)
    y = round(kr * luma) * r + round(kg * luma) * g + round(kb * luma) * b
    cb = (
        round(-0.5 * kr / (1 - kb) * chroma) * r
        + round(-0.5 * kg / (1 - kb) * chroma) * g
        + round(0.5 * chroma) * b
    )
    cr = (
        round(0.5 * chroma) * r
        + round(-0.5 * kg / (1 - kr) * chroma) * g
        + round(-0.5 * kb / (1 - kr) * chroma) * b
    )
    centre = 1 << (bit_depth - 1)
    return (
        clip(((y + half) >> shift) + black, bit_depth),
        clip(((cb + half) >> shift) + centre, bit_depth),
        clip(((cr + half) >> shift) + centre, bit_depth),
    )


def rgb_of_ycc(y, cb, cr, bit_depth, color_space="ycbcr", limited=False):
    kr, kb = WEIGHTS[color_space]
    kg = 1 - kr - kb
    unit = 255 * 2**22
    one = round(unit / (219 << (bit_depth - 8) if limited else 2**bit_depth - 1))
    chroma = unit / (224 << (bit_depth - 8) if limited else 2**bit_depth - 1)
    if limited:
        y -= 16 << (bit_depth - 8)
    cb -= 1 << (bit_depth - 1)
    cr -= 1 << (bit_depth - 1)
    half = 1 << 21
    r = y * one + round(2 * (1 - kr) * chroma) * cr
    g = (
        y * one
        - round(2 * kb * (1 - kb) / kg * chroma) * cb
        - round(2 * kr * (1 - kr) / kg * chroma) * cr
    )
    b = y * one + round(2 * (1 - kb) * chroma) * cb
    return tuple(clip((value + half) >> 22, 8) for value in (r, g, b))


def halved_line(line, taps, shift):
    return [
        (sum(weight * at(line, 2 * k + o) for o, weight in taps.items()) + (1 << (shift - 1)))
        >> shift
        for k in range((len(line) + 1) // 2)
    ]


def halved(plane, bit_depth, *, rows, left):
    taps = DOWN_LEFT if left else DOWN_CENTRED
    lines = plane.astype(int).tolist()
    if not rows:
        return [[clip(v, bit_depth) for v in halved_line(line, taps, 7)] for line in lines]
    narrow = [halved_line(line, taps, bit_depth - 7) for line in lines]
    columns = [
        halved_line(column, DOWN_CENTRED, 21 - bit_depth) for column in zip(*narrow, strict=True)
    ]
    return [[clip(v, bit_depth) for v in line] for line in zip(*columns, strict=True)]


def doubled_line(line, shift, *, left=False):
    found = []
    for k in range(len(line)):
        if left:
            pair = 64 * line[k], sum(w * at(line, k + o) for o, w in UP_LEFT.items())
        else:
            around = [at(line, k + o) for o in range(-3, 4)]
            odd = sum(w * v for w, v in zip(UP, around, strict=True))
            pair = sum(w * v for w, v in zip(UP[::-1], around, strict=True)), odd
        found += [(value + ((1 << shift) >> 1)) >> shift for value in pair]
    return found


def doubled(plane, height, width, bit_depth, *, rows, left):
    lines = plane.astype(int).tolist()
    shift = 6
    if rows:
        columns = [doubled_line(column, bit_depth - 8) for column in zip(*lines, strict=True)]
        lines = list(zip(*columns, strict=True))
        shift = 20 - bit_depth
    wide = [[clip(v, bit_depth) for v in doubled_line(line, shift, left=left)] for line in lines]
    return np.array(wide)[:height, :width]
