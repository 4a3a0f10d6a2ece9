"""The sequence parameter set of H.266 (clause 7.3.2.4): reading it."""

from dataclasses import dataclass

from neurocodec.codecs.streams.h266.coding_tools import read_tools
from neurocodec.codecs.streams.h266.nal import Nal
from neurocodec.codecs.streams.h266.syntax import Syntax
from neurocodec.errors import BadInputError

_CHROMAS = ("400", "420", "422", "444")
_GENERAL_CONSTRAINT_BITS = 71
_EXTENDED_ASPECT = 255
_MAX_SUBPICTURES = 600


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


@dataclass(frozen=True, eq=False)
class Sps:
    """A sequence parameter set; indexed by an element's name in the standard, 0 if not there."""

    syntax: Syntax

    def __getitem__(self, name: str) -> int:
        return self.syntax[name]

    @property
    def number(self) -> int:
        """Its id, by which picture parameter sets refer to it."""
        return self["sps_seq_parameter_set_id"]

    @property
    def chroma(self) -> str:
        """ "400", "420", "422" or "444"."""
        return _CHROMAS[self["sps_chroma_format_idc"]]

    @property
    def subsampling(self) -> tuple[int, int]:
        """Luma samples to a chroma sample, across and down."""
        return (2 if self.chroma in {"420", "422"} else 1), (2 if self.chroma == "420" else 1)

    @property
    def bit_depth(self) -> int:
        """Bits a sample, of luma and chroma."""
        return self["sps_bitdepth_minus8"] + 8

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in luma samples, with what the conformance window hides."""
        return self["sps_pic_width_max_in_luma_samples"], self["sps_pic_height_max_in_luma_samples"]

    @property
    def colour(self) -> Colour:
        """The colour as signalled, or the defaults of clause D.8."""
        siting = self.syntax.values.get("vui_chroma_sample_loc_type_frame")
        if not self["vui_colour_description_present_flag"]:
            return Colour(chroma_siting=siting)
        numbers = ("vui_colour_primaries", "vui_transfer_characteristics", "vui_matrix_coeffs")
        primaries, transfer, matrix = (self[name] for name in numbers)
        return Colour(primaries, transfer, matrix, bool(self["vui_full_range_flag"]), siting)


def hidden(syntax: Syntax, prefix: str) -> tuple[int, int]:
    """Columns and rows outside the conformance window, in chroma samples."""
    left, right, top, bottom = (
        syntax[f"{prefix}_conf_win_{side}_offset"] for side in ("left", "right", "top", "bottom")
    )
    return left + right, top + bottom


def read_window(s: Syntax, prefix: str) -> None:
    """A conformance window: the flag and, with it, the four offsets."""
    with s.span("conformance_window"):
        if s.flag(f"{prefix}_conformance_window_flag"):
            for side in ("left", "right", "top", "bottom"):
                s.ue(f"{prefix}_conf_win_{side}_offset")


def read_sps(nal: Nal) -> Sps:
    """The parameter set in a NAL unit.

    Raises:
        BadInputError: damaged, cut, or of a stream in layers.
    """
    s = Syntax(nal)
    _format(s)
    _subpictures(s)
    _pictures(s)
    read_tools(s)
    _timing(s)
    s.flag("sps_field_seq_flag")
    _usability(s)
    s.flag("sps_extension_flag")
    return Sps(s)


def _format(s: Syntax) -> None:
    with s.span("id"):
        s.u("sps_seq_parameter_set_id", 4)
    s.u("sps_video_parameter_set_id", 4)
    with s.span("sublayers"):
        s.u("sps_max_sublayers_minus1", 3)
    s.u("sps_chroma_format_idc", 2)
    s.u("sps_log2_ctu_size_minus5", 2)
    if s.flag("sps_ptl_dpb_hrd_params_present_flag"):
        _profile_tier_level(s)
    s.flag("sps_gdr_enabled_flag")
    if s.flag("sps_ref_pic_resampling_enabled_flag"):
        s.flag("sps_res_change_in_clvs_allowed_flag")
    s.ue("sps_pic_width_max_in_luma_samples")
    s.ue("sps_pic_height_max_in_luma_samples")
    read_window(s, "sps")


def _profile_tier_level(s: Syntax) -> None:
    s.u("general_profile_idc", 7)
    s.flag("general_tier_flag")
    s.u("general_level_idc", 8)
    s.skip(2)
    if s.flag("gci_present_flag"):
        s.skip(_GENERAL_CONSTRAINT_BITS)
        s.skip(s.u("gci_num_additional_bits", 8))
    s.align()
    with s.span("sublayer_levels"):
        present = sum(
            s.flag("ptl_sublayer_level_present_flag") for _ in range(s["sps_max_sublayers_minus1"])
        )
        s.align()
        s.skip(8 * present)
    s.skip(32 * s.u("ptl_num_sub_profiles", 8))


def _subpictures(s: Syntax) -> None:
    if not s.flag("sps_subpic_info_present_flag"):
        return
    count = s.ue("sps_num_subpics_minus1", _MAX_SUBPICTURES) + 1
    if count > 1:
        _subpicture_layout(s, count)
    bits = s.ue("sps_subpic_id_len_minus1", 15) + 1
    explicit = s.flag("sps_subpic_id_mapping_explicitly_signalled_flag")
    if explicit and s.flag("sps_subpic_id_mapping_present_flag"):
        s.skip(bits * count)


def _subpicture_layout(s: Syntax, count: int) -> None:
    independent = s.flag("sps_independent_subpics_flag")
    same_size = s.flag("sps_subpic_same_size_flag")
    unit = 32 << s["sps_log2_ctu_size_minus5"]
    sides = s["sps_pic_width_max_in_luma_samples"], s["sps_pic_height_max_in_luma_samples"]
    bits = sum((-(-side // unit) - 1).bit_length() for side in sides if side > unit)
    for index in range(count):
        if index == 0 or not same_size:
            first, last = index == 0, index == count - 1
            s.skip(bits * ((not first) + (not last)))
        s.skip(0 if independent else 2)


def _pictures(s: Syntax) -> None:
    s.ue("sps_bitdepth_minus8", 8)
    s.flag("sps_entropy_coding_sync_enabled_flag")
    s.flag("sps_entry_point_offsets_present_flag")
    s.u("sps_log2_max_pic_order_cnt_lsb_minus4", 4)
    if s.flag("sps_poc_msb_cycle_flag"):
        s.ue("sps_poc_msb_cycle_len_minus1", 27)
    for header in ("ph", "sh"):
        count = 8 * s.u(f"sps_num_extra_{header}_bytes", 2)
        present = sum(s.flag("sps_extra_bit_present_flag") for _ in range(count))
        s.values[f"extra_{header}_bits"] = present
    with s.span("dpb"):
        if s["sps_ptl_dpb_hrd_params_present_flag"]:
            _buffers(s)


def _buffers(s: Syntax) -> None:
    sublayers = s["sps_max_sublayers_minus1"]
    every = sublayers > 0 and s.flag("sps_sublayer_dpb_params_flag")
    for _ in range(sublayers + 1 if every else 1):
        s.ue("dpb_max_dec_pic_buffering_minus1")
        s.ue("dpb_max_num_reorder_pics")
        s.ue("dpb_max_latency_increase_plus1")


def _timing(s: Syntax) -> None:
    with s.span("timing"):
        present = s["sps_ptl_dpb_hrd_params_present_flag"]
        if present and s.flag("sps_timing_hrd_params_present_flag"):
            _reference_decoder(s)


def _reference_decoder(s: Syntax) -> None:
    """general_timing_hrd_parameters and ols_timing_hrd_parameters, clause 7.3.5."""
    s.skip(64)
    kinds = s.flag("general_nal_hrd_params_present_flag")
    kinds += s.flag("general_vcl_hrd_params_present_flag")
    if kinds:
        s.flag("general_same_pic_timing_in_all_ols_flag")
        units = s.flag("general_du_hrd_params_present_flag")
        s.skip(20 if units else 8)
        s.ue("hrd_cpb_cnt_minus1", 31)
    sublayers = s["sps_max_sublayers_minus1"]
    every = sublayers > 0 and s.flag("sps_sublayer_cpb_params_present_flag")
    for _ in range(sublayers + 1 if every else 1):
        _sublayer_timing(s, kinds)


def _sublayer_timing(s: Syntax, kinds: int) -> None:
    fixed = s.flag("fixed_pic_rate_general_flag") or s.flag("fixed_pic_rate_within_cvs_flag")
    if fixed:
        s.ue("elemental_duration_in_tc_minus1")
    elif kinds and s["hrd_cpb_cnt_minus1"] == 0:
        s.flag("low_delay_hrd_flag")
    codes = 4 if s["general_du_hrd_params_present_flag"] else 2
    for _ in range(kinds * (s["hrd_cpb_cnt_minus1"] + 1)):
        for _ in range(codes):
            s.ue("sublayer_hrd_value")
        s.flag("cbr_flag")


def _usability(s: Syntax) -> None:
    if not s.flag("sps_vui_parameters_present_flag"):
        return
    size = s.ue("sps_vui_payload_size_minus1", 1023) + 1
    s.align()
    end = s.position + 8 * size
    _usability_information(s)
    if s.position > end:
        raise BadInputError("the .266 is damaged in its colour information: get the file again")
    s.skip(end - s.position)


def _usability_information(s: Syntax) -> None:
    """vui_parameters of H.274, clause 7.2."""
    progressive = s.flag("vui_progressive_source_flag")
    interlaced = s.flag("vui_interlaced_source_flag")
    s.skip(2)
    if s.flag("vui_aspect_ratio_info_present_flag"):
        s.skip(1)
        s.skip(32 if s.u("vui_aspect_ratio_idc", 8) == _EXTENDED_ASPECT else 0)
    if s.flag("vui_overscan_info_present_flag"):
        s.skip(1)
    if s.flag("vui_colour_description_present_flag"):
        s.u("vui_colour_primaries", 8)
        s.u("vui_transfer_characteristics", 8)
        s.u("vui_matrix_coeffs", 8)
        s.flag("vui_full_range_flag")
    if s.flag("vui_chroma_loc_info_present_flag"):
        s.ue("vui_chroma_sample_loc_type_frame", 6)
        if interlaced or not progressive:
            s.ue("vui_chroma_sample_loc_type_bottom_field", 6)
