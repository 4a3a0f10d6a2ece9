"""The sequence parameter set of H.266 (clause 7.3.2.4): reading it."""

from dataclasses import dataclass

from neurocodec.codecs.streams.h266.coding_tools import read_tools
from neurocodec.codecs.streams.h266.nal import Nal
from neurocodec.codecs.streams.h266.syntax import Syntax
from neurocodec.errors import BadInputError

_CHROMAS = ("400", "420", "422", "444")
_GENERAL_CONSTRAINT_BITS = 71
_EXTENDED_ASPECT = 255


@dataclass(frozen=True)
class Colour:
    """The colour that the stream signals, numbered as in H.273; 2 is unspecified.

    Attributes:
        chroma_siting: 0 left of, 1 between, 2 on the luma samples …; None where nothing is said.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False
    chroma_siting: int | None = None


class Sps(Syntax):
    """The sequence parameter set in a NAL unit; "id" is the one by which others refer to it.

    Raises:
        BadInputError: damaged, cut, or of a stream in layers.
    """

    def __init__(self, nal: Nal) -> None:
        super().__init__(nal)
        _format(self)
        if self.read("subpic_info_present"):
            _subpictures(self)
        _pictures(self)
        read_tools(self)
        with self.span("timing"):
            if self["ptl_dpb_hrd_params_present"] and self.read("timing_hrd_params_present"):
                _reference_decoder(self)
        if self.read("field_seq vui_parameters_present"):
            _usability(self)
        self.read("extension")

    @property
    def chroma(self) -> str:
        """ "400", "420", "422" or "444"."""
        return _CHROMAS[self["chroma_format_idc"]]

    @property
    def subsampling(self) -> tuple[int, int]:
        """Luma samples to a chroma sample, across and down."""
        return (2 if self.chroma in {"420", "422"} else 1), (2 if self.chroma == "420" else 1)

    @property
    def bit_depth(self) -> int:
        """Bits a sample, of luma and chroma."""
        return self["bitdepth_minus8"] + 8

    @property
    def colour(self) -> Colour:
        """The colour as signalled, or the defaults of clause D.8."""
        siting = self.values.get("chroma_sample_loc_type_frame")
        if not self["colour_description_present"]:
            return Colour(chroma_siting=siting)
        names = ("colour_primaries", "transfer_characteristics", "matrix_coeffs")
        primaries, transfer, matrix = (self[name] for name in names)
        return Colour(primaries, transfer, matrix, bool(self["full_range"]), siting)


def _format(s: Syntax) -> None:
    s.read("id.4 video_parameter_set_id.4 max_sublayers_minus1.3 chroma_format_idc.2")
    if s.read("log2_ctu_size_minus5.2 ptl_dpb_hrd_params_present"):
        _profile_tier_level(s)
    if s.read("gdr_enabled ref_pic_resampling_enabled"):
        s.read("res_change_in_clvs_allowed")
    s.read_size()


def _profile_tier_level(s: Syntax) -> None:
    s.read("general_profile_idc.7 general_tier general_level_idc.8 frame_only multilayer")
    if s.read("gci_present"):
        s.skip(_GENERAL_CONSTRAINT_BITS)
        s.skip(s.read("gci_num_additional_bits.8"))
    s.align()
    with s.span("sublayer_levels"):
        present = sum(s.read("level_present") for _ in range(s["max_sublayers_minus1"]))
        s.align()
        s.skip(8 * present)
    s.skip(32 * s.read("num_sub_profiles.8"))


def _subpictures(s: Syntax) -> None:
    count = s.read("num_subpics_minus1.ue") + 1
    if count > 1:
        _subpicture_layout(s, count)
    bits = s.read("subpic_id_len_minus1.ue") + 1
    if s.read("id_mapping_explicitly_signalled") and s.read("id_mapping_present"):
        s.skip(bits * count)


def _subpicture_layout(s: Syntax, count: int) -> None:
    same_size = s.read("independent_subpics subpic_same_size")
    unit = 32 << s["log2_ctu_size_minus5"]
    bits = sum((-(-side // unit) - 1).bit_length() for side in s.coded_size if side > unit)
    each = 0 if s["independent_subpics"] else 2
    # All but the first say where they are, all but the last how large.
    s.skip(bits * (1 if same_size else 2 * (count - 1)) + each * count)


def _pictures(s: Syntax) -> None:
    s.read("bitdepth_minus8.ue entropy_coding_sync_enabled entry_point_offsets_present")
    if s.read("log2_max_pic_order_cnt_lsb_minus4.4 poc_msb_cycle"):
        s.read("poc_msb_cycle_len_minus1.ue")
    for _ in ("picture headers", "slice headers"):
        s.skip(8 * s.read("num_extra_bytes.2"))
    with s.span("dpb"):
        if s["ptl_dpb_hrd_params_present"]:
            for _ in _sublayers(s, "sublayer_dpb_params"):
                s.read("max_dec_pic_buffering.ue max_num_reorder.ue max_latency_increase.ue")


def _sublayers(s: Syntax, flag: str) -> range:
    """A turn for each sublayer where the flag says so, else one."""
    sublayers = s["max_sublayers_minus1"]
    return range(sublayers + 1 if sublayers and s.read(flag) else 1)


def _reference_decoder(s: Syntax) -> None:
    """general_timing_hrd_parameters and ols_timing_hrd_parameters, clause 7.3.5."""
    s.skip(64)
    kinds = s.read("nal_hrd_params_present") + s.read("vcl_hrd_params_present")
    if kinds:
        units = s.read("same_pic_timing_in_all_ols du_hrd_params_present")
        s.skip(20 if units else 8)
        s.read("cpb_cnt_minus1.ue")
    for _ in _sublayers(s, "sublayer_cpb_params_present"):
        _sublayer_timing(s, kinds)


def _sublayer_timing(s: Syntax, kinds: int) -> None:
    if s.read("fixed_pic_rate_general") or s.read("fixed_pic_rate_within_cvs"):
        s.read("elemental_duration_in_tc_minus1.ue")
    elif kinds and s["cpb_cnt_minus1"] == 0:
        s.read("low_delay_hrd")
    codes = 4 if s["du_hrd_params_present"] else 2
    for _ in range(kinds * (s["cpb_cnt_minus1"] + 1)):
        s.read("hrd_value.ue " * codes + "cbr")


def _usability(s: Syntax) -> None:
    """vui_parameters of H.274, clause 7.2, up to the siting of chroma."""
    size = s.read("vui_payload_size_minus1.ue") + 1
    s.align()
    end = s.position + 8 * size
    s.read("progressive_source interlaced_source non_packed non_projected")
    if s.read("aspect_ratio_present") and s.read("constant aspect.8") == _EXTENDED_ASPECT:
        s.skip(32)
    if s.read("overscan_info_present"):
        s.skip(1)
    if s.read("colour_description_present"):
        s.read("colour_primaries.8 transfer_characteristics.8 matrix_coeffs.8 full_range")
    if s.read("chroma_loc_info_present"):
        s.read("chroma_sample_loc_type_frame.ue")
    if s.position > end:
        raise BadInputError("the .266 is damaged in its colour information")
    s.skip(end - s.position)
