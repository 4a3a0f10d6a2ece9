"""What an HEVC picture parameter set and the first slice's header say of a picture."""

from collections.abc import Sequence

from neurocodec.codecs.bits import BitReader, unescape
from neurocodec.codecs.bpg.nal import IDR_KINDS, PPS, Nal
from neurocodec.errors import BadInputError

_HEADER_BYTES = 64  # more than the fields before slice_qp_delta ever take


def slice_qp(units: Sequence[Nal], *, sao: bool, chroma: bool) -> int | None:
    """SliceQpY = 26 + init_qp_minus26 + slice_qp_delta (H.265 equation 7-54); below 0 over 8 bits.

    Args:
        units: of one picture.
        sao: sample_adaptive_offset_enabled_flag of its sequence parameter set.
        chroma: whether it has chroma planes.

    Returns:
        None for a picture that is no IDR: its header goes on otherwise.

    Raises:
        BadInputError: a header is damaged, or there is none.
    """
    parameters = _parameters(units)
    first = next((unit for unit in units if unit.starts_picture), None)
    if first is None:
        raise _no_picture()
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


def allows_lossless(units: Sequence[Nal]) -> bool:
    """transquant_bypass_enabled_flag of their picture parameter set.

    Raises:
        BadInputError: it is damaged, or there is none.
    """
    reader = _reader(_parameters(units))
    _parse_parameters(reader)
    reader.u(2)  # constrained_intra_pred, transform_skip_enabled
    if reader.flag():  # cu_qp_delta_enabled
        reader.ue()
    reader.se(), reader.se()  # QP offsets of chroma
    reader.u(3)  # such offsets in slices, weighted_pred, weighted_bipred
    return reader.flag()


def _parameters(units: Sequence[Nal]) -> Nal:
    found = next((unit for unit in units if unit.kind == PPS), None)
    if found is None:
        raise _no_picture()
    return found


def _no_picture() -> BadInputError:
    return BadInputError("its HEVC stream lacks a picture: get the file again")


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
