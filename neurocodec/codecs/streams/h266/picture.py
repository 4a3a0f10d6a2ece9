"""The picture parameter set and the headers of a picture (H.266, 7.3.2.5, 7.3.2.8, 7.3.7).

Of each the beginning is read.
"""

from dataclasses import dataclass

from neurocodec.codecs.streams.h266.nal import Nal
from neurocodec.codecs.streams.h266.sps import read_window
from neurocodec.codecs.streams.h266.syntax import Syntax

# A slice's header is at its beginning: no need to take the coded samples apart.
_HEADER_BYTES = 256


@dataclass(frozen=True, eq=False)
class Pps:
    """A picture parameter set; indexed by an element's name in the standard, 0 if not there."""

    syntax: Syntax

    def __getitem__(self, name: str) -> int:
        return self.syntax[name]

    @property
    def number(self) -> int:
        """Its id, by which pictures refer to it."""
        return self["pps_pic_parameter_set_id"]

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in luma samples, with what the conformance window hides."""
        return self["pps_pic_width_in_luma_samples"], self["pps_pic_height_in_luma_samples"]


def read_pps(nal: Nal) -> Pps:
    """Read the parameter set in a NAL unit.

    Raises:
        BadInputError: damaged or cut.
    """
    s = Syntax(nal)
    s.u("pps_pic_parameter_set_id", 6)
    with s.span("sps_id"):
        s.u("pps_seq_parameter_set_id", 4)
    s.flag("pps_mixed_nalu_types_in_pic_flag")
    s.ue("pps_pic_width_in_luma_samples")
    s.ue("pps_pic_height_in_luma_samples")
    read_window(s, "pps")
    return Pps(s)


def picture_parameter_set(first_slice: Nal, picture_header: Nal | None) -> int:
    """The id of the picture parameter set that a picture goes by.

    Args:
        first_slice: of the picture.
        picture_header: None where it is inside the slice's header.

    Raises:
        BadInputError: damaged or cut.
    """
    nal = picture_header or Nal(first_slice.type, first_slice.data[:_HEADER_BYTES])
    s = Syntax(nal)
    if picture_header is None:
        s.flag("sh_picture_header_in_slice_header_flag")
    random_access = s.flag("ph_gdr_or_irap_pic_flag")
    s.flag("ph_non_ref_pic_flag")
    if random_access:
        s.flag("ph_gdr_pic_flag")
    if s.flag("ph_inter_slice_allowed_flag"):
        s.flag("ph_intra_slice_allowed_flag")
    return s.ue("ph_pic_parameter_set_id", 63)
