"""The QP that an HEVC picture parameter set and the first slice's header give."""

from collections.abc import Sequence

from neurocodec.codecs.streams.bits import BitReader, unescape
from neurocodec.codecs.streams.hevc.nal import IDR_KINDS, PPS, Nal
from neurocodec.errors import BadInputError

_HEADER_BYTES = 64  # more than the fields before slice_qp_delta ever take


def slice_qp(units: Sequence[Nal], *, sao: bool, chroma: bool) -> int | None:
    """Read SliceQpY (H.265 equation 7-54); over 8 bits it may be below 0.

    Args:
        units: of one picture.
        sao: sample_adaptive_offset_enabled_flag of its sequence parameter set.
        chroma: whether it has chroma planes.

    Returns:
        None for a picture that is no IDR: its header goes on otherwise.

    Raises:
        BadInputError: a header is damaged, or there is none.
    """
    parameters = next((unit for unit in units if unit.kind == PPS), None)
    first = next((unit for unit in units if unit.starts_picture), None)
    if parameters is None or first is None:
        raise BadInputError("its HEVC stream has no picture")
    if first.kind not in IDR_KINDS:
        return None
    output_flag_present, extra_bits, init_qp = _parse_parameters(_reader(parameters))
    reader = _reader(first)
    reader.u(2)  # first_slice_segment_in_pic, no_output_of_prior_pics
    reader.ue()
    reader.u(extra_bits)
    reader.ue()  # slice_type
    reader.u(output_flag_present)
    if sao:
        reader.u(1 + chroma)
    return init_qp + reader.se()


def _parse_parameters(reader: BitReader) -> tuple[bool, int, int]:
    reader.ue(), reader.ue()  # the ids of this set and of the sequence's
    reader.u(1)  # dependent_slice_segments_enabled
    output_flag_present = reader.flag()
    extra_bits = reader.u(3)
    reader.u(2)  # sign_data_hiding, cabac_init_present
    reader.ue(), reader.ue()
    return output_flag_present, extra_bits, 26 + reader.se()


def _reader(unit: Nal) -> BitReader:
    return BitReader(unescape(unit.data[2:_HEADER_BYTES]))
