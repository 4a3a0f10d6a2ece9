"""A .266 file as one picture: read and checked, and written from what an encoder gave.

A file of ours is told by the number of its sequence parameter set and by its colour. It ends in an
end-of-bitstream NAL unit, since no decoder is sure to notice that a slice lacks its last byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from neurocodec import images
from neurocodec.codecs.streams.h266 import nal
from neurocodec.codecs.streams.h266.nal import Nal
from neurocodec.codecs.streams.h266.picture import Pps, picture_parameter_set
from neurocodec.codecs.streams.h266.sps import Sps
from neurocodec.codecs.vvc import fitting
from neurocodec.errors import BadInputError

Size = tuple[int, int]

_NUMBER = 15
_NUMBER_WITH_SIZE = 14  # a message says the true size


@dataclass(frozen=True, eq=False)
class Still:
    """The headers of a stream of one picture.

    Attributes:
        sps: the sequence parameter set in force.
        shown: width and height that any decoder gives.
        size: the true width and height: `shown`, or less where a message says so.
        closed: something follows the last slice, so that it is there to its end.
    """

    sps: Sps
    shown: Size
    size: Size
    closed: bool


def read(data: bytes) -> Still:
    """Parse and check the headers of a .266 file.

    Raises:
        BadInputError: not a .266, damaged, cut, too large, or of more than one picture.
    """
    nals = nal.split(data)
    sps, pps = _parameter_sets(nals)
    shown = _shown(sps, pps)
    ours = _is_ours(sps)
    if ours and nals[-1].type != nal.END_OF_BITSTREAM:
        raise BadInputError("the .266 is truncated: its end is missing")
    size = _size(nals, shown, promised=ours and sps["id"] == _NUMBER_WITH_SIZE)
    closed = nals[-1].type > nal.LAST_SLICE
    return Still(sps, shown, size, closed)


def write(encoded: bytes, width: int, height: int) -> bytes:
    """The file of what an encoder made of a picture padded at the right and at the bottom.

    A 4:2:0 window takes off two columns or rows at a time: of an odd size the stream shows the
    next even one, and a message says the true size.

    Args:
        encoded: the encoder's stream of one picture, 4:2:0.
        width: the true one.
        height: the true one.

    Raises:
        BadInputError: the stream is none of one picture, or smaller than the true size.
    """
    nals = nal.split(encoded)
    sps, pps = _parameter_sets(nals)
    shown = _next_even(width, height)
    right, bottom = ((coded - side) // 2 for coded, side in zip(sps.coded_size, shown, strict=True))
    if min(right, bottom) < 0 or sps.chroma != "420":
        raise BadInputError(f"it is {sps.coded_size} in {sps.chroma}, for a picture of {shown}")
    if sps["idr_rpl_present"] or sps["extension"]:
        raise BadInputError("its sequence parameter set has parts that are not known here")
    odd = shown != (width, height)
    number = _NUMBER_WITH_SIZE if odd else _NUMBER
    return nal.join(
        [
            fitting.fit_sps(sps, number, (right, bottom)),
            fitting.fit_pps(pps, number),
            *_of(nals, nal.PREFIX_APS),
            *([fitting.size_message(width, height)] if odd else []),
            *_slices(nals),
            nal.make(nal.END_OF_BITSTREAM, b""),
        ]
    )


def _of(nals: Sequence[Nal], nal_type: int) -> list[Nal]:
    return [unit for unit in nals if unit.type == nal_type]


def _slices(nals: Sequence[Nal]) -> list[Nal]:
    return [unit for unit in nals if unit.type <= nal.LAST_SLICE]


def _parameter_sets(nals: Sequence[Nal]) -> tuple[Sps, Pps]:
    """The parameter sets that the one picture goes by."""
    all_pps = {pps["id"]: pps for pps in map(Pps, _of(nals, nal.PPS))}
    pps = all_pps.get(_pps_number(nals))
    all_sps = {sps["id"]: sps for sps in map(Sps, _of(nals, nal.SPS))}
    sps = all_sps.get(pps["seq_parameter_set_id"]) if pps else None
    if pps is None or sps is None:
        raise BadInputError("the .266 is damaged (a parameter set is missing)")
    return sps, pps


def _pps_number(nals: Sequence[Nal]) -> int:
    slices = _slices(nals)
    headers = _of(nals, nal.PICTURE_HEADER)
    inside = [s for s in slices if s.data[nal.HEADER_BYTES :][:1] >= b"\x80"]
    pictures = len(headers) + len(inside)
    if pictures > 1:
        raise BadInputError(
            f"the .266 is animated ({pictures} pictures): take one out with "
            "ffmpeg -i IN.266 -frames:v 1 OUT.png"
        )
    if not slices or not pictures:
        raise BadInputError("the .266 is truncated: there is no picture in it")
    return picture_parameter_set(slices[0], headers[0] if headers else None)


def _is_ours(sps: Sps) -> bool:
    mine = sps["id"] in {_NUMBER, _NUMBER_WITH_SIZE} and sps.colour == fitting.COLOUR
    return mine and not sps["max_sublayers_minus1"] and not sps["num_ref_pic_lists"]


def _shown(sps: Sps, pps: Pps) -> Size:
    width, height = pps.coded_size
    if width * height > images.most_pixels():
        raise BadInputError(
            f"the .266 is {width}×{height}: more than {images.most_pixels()} pixels are not read"
        )
    right, bottom = (sps if pps.coded_size == sps.coded_size else pps).hidden
    across, down = sps.subsampling
    shown = width - across * right, height - down * bottom
    if min(shown) < 1:
        raise BadInputError("the .266 is damaged (it shows nothing)")
    return shown


def _size(nals: Sequence[Nal], shown: Size, *, promised: bool) -> Size:
    """The true size: the one in a message, which must fit the shown size, else the shown size."""
    sizes = [size for size in map(fitting.true_size, _of(nals, nal.PREFIX_SEI)) if size]
    if not sizes and not promised:
        return shown
    width, height = sizes[0] if sizes else (0, 0)
    if (width, height) == shown or _next_even(width, height) != shown:
        raise BadInputError("the .266 is damaged (its true size is missing or wrong)")
    return width, height


def _next_even(width: int, height: int) -> Size:
    return width + width % 2, height + height % 2
