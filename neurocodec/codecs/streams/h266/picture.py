"""The picture parameter set and the headers of a picture (H.266, 7.3.2.5, 7.3.2.8, 7.3.7).

Of each the beginning is read.
"""

from neurocodec.codecs.streams.h266.nal import Nal
from neurocodec.codecs.streams.h266.syntax import Syntax

# A slice's header is at its beginning: no need to take the coded samples apart.
_HEADER_BYTES = 256


class Pps(Syntax):
    """The picture parameter set in a NAL unit; "id" is the one by which pictures refer to it.

    Raises:
        BadInputError: damaged or cut.
    """

    def __init__(self, nal: Nal) -> None:
        super().__init__(nal)
        self.read("id.6 seq_parameter_set_id.4 mixed_nalu_types_in_pic")
        self.read_size()


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
        s.read("picture_header_in_slice_header")
    random_access = s.read("gdr_or_irap_pic")
    s.read("non_ref_pic gdr_pic" if random_access else "non_ref_pic")
    if s.read("inter_slice_allowed"):
        s.read("intra_slice_allowed")
    return s.read("pic_parameter_set_id.ue")
