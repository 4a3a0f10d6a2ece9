"""The picture parameter set and the headers of a picture (H.266, 7.3.2.5, 7.3.2.8, 7.3.7).

They are read as far as the QP of an intra slice, in a picture that is not cut up.
"""

from dataclasses import dataclass

from neurocodec.codecs.vvc.coding_tools import read_boundaries
from neurocodec.codecs.vvc.nal import Nal
from neurocodec.codecs.vvc.sps import Sps, read_window
from neurocodec.codecs.vvc.syntax import Syntax

_IDR = {7, 8}
# A slice's header is at its beginning: no need to take the coded samples apart.
_HEADER_BYTES = 256


@dataclass(frozen=True, eq=False)
class Pps:
    """A picture parameter set; indexed by an element's name in the standard, 0 if not there."""

    syntax: Syntax

    def __getitem__(self, name: str) -> int:
        return self.syntax[name]

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in luma samples, with what the conformance window hides."""
        return self["pps_pic_width_in_luma_samples"], self["pps_pic_height_in_luma_samples"]


def read_pps(nal: Nal) -> Pps:
    """The parameter set in a NAL unit; of one that cuts the picture up, only the beginning.

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
    if s.flag("pps_scaling_window_explicit_signalling_flag"):
        for _ in range(4):
            s.se("pps_scaling_win_offset")
    s.flag("pps_output_flag_present_flag")
    whole = s.flag("pps_no_pic_partition_flag")
    if whole and not s.flag("pps_subpic_id_mapping_present_flag"):
        _predictions(s)
        _qps(s)
        _deblocking(s)
        s.flag("pps_picture_header_extension_present_flag")
    return Pps(s)


def _predictions(s: Syntax) -> None:
    s.flag("pps_cabac_init_present_flag")
    for _ in range(2):
        s.ue("pps_num_ref_idx_default_active_minus1", 14)
    s.skip(3)
    if s.flag("pps_ref_wraparound_enabled_flag"):
        s.ue("pps_pic_width_minus_wraparound_offset")


def _qps(s: Syntax) -> None:
    s.se("pps_init_qp_minus26")
    s.flag("pps_cu_qp_delta_enabled_flag")
    if not s.flag("pps_chroma_tool_offsets_present_flag"):
        return
    s.se("pps_cb_qp_offset")
    s.se("pps_cr_qp_offset")
    joint = s.flag("pps_joint_cbcr_qp_offset_present_flag")
    if joint:
        s.se("pps_joint_cbcr_qp_offset_value")
    s.flag("pps_slice_chroma_qp_offsets_present_flag")
    if s.flag("pps_cu_chroma_qp_offset_list_enabled_flag"):
        for _ in range(s.ue("pps_chroma_qp_offset_list_len_minus1", 5) + 1):
            for _ in range(2 + joint):
                s.se("pps_qp_offset_list")


def _deblocking(s: Syntax) -> None:
    if not s.flag("pps_deblocking_filter_control_present_flag"):
        return
    s.flag("pps_deblocking_filter_override_enabled_flag")
    if not s.flag("pps_deblocking_filter_disabled_flag"):
        for _ in range(6 if s["pps_chroma_tool_offsets_present_flag"] else 2):
            s.se("pps_deblocking_offset_div2")


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """The beginning of the first slice of a picture.

    Attributes:
        nal_type: of the slice.
        syntax: stands behind the first flag, or behind `picture` where that is inside.
        picture: the picture header, as far as the id of its parameter set.
    """

    nal_type: int
    syntax: Syntax
    picture: Syntax


def read_slice_header(first_slice: Nal, picture_header: Nal | None) -> SliceHeader:
    """The headers of a picture, as far as they tell which parameter set they go by.

    Args:
        first_slice: of the picture.
        picture_header: None where it is inside the slice's header.

    Raises:
        BadInputError: damaged or cut.
    """
    s = Syntax(Nal(first_slice.type, first_slice.data[:_HEADER_BYTES]))
    s.flag("sh_picture_header_in_slice_header_flag")
    picture = s if picture_header is None else Syntax(picture_header)
    random_access = picture.flag("ph_gdr_or_irap_pic_flag")
    picture.flag("ph_non_ref_pic_flag")
    if random_access:
        picture.flag("ph_gdr_pic_flag")
    if picture.flag("ph_inter_slice_allowed_flag"):
        picture.flag("ph_intra_slice_allowed_flag")
    picture.ue("ph_pic_parameter_set_id", 63)
    return SliceHeader(first_slice.type, s, picture)


def slice_qp(sps: Sps, pps: Pps, header: SliceHeader) -> int | None:
    """The slice's QP, at most 63, below 0 too above 8 bits; None where it takes more to tell.

    Raises:
        BadInputError: damaged or cut.
    """
    whole = pps["pps_no_pic_partition_flag"] and not pps["pps_subpic_id_mapping_present_flag"]
    lists = header.nal_type not in _IDR or sps["sps_idr_rpl_present_flag"]
    inter = header.picture["ph_inter_slice_allowed_flag"]
    if not whole or lists or inter or sps["sps_subpic_info_present_flag"]:
        return None
    _rest_of_picture_header(header.picture, sps, pps)
    _until_qp(header, sps)
    return 26 + pps["pps_init_qp_minus26"] + header.syntax.se("sh_qp_delta")


def _rest_of_picture_header(s: Syntax, sps: Sps, pps: Pps) -> None:
    _order(s, sps)
    if sps["sps_lmcs_enabled_flag"] and s.flag("ph_lmcs_enabled_flag"):
        s.skip(3 if sps["sps_chroma_format_idc"] else 2)
    scaling = sps["sps_explicit_scaling_list_enabled_flag"]
    if scaling and s.flag("ph_explicit_scaling_list_enabled_flag"):
        s.skip(3)
    own = sps["sps_virtual_boundaries_enabled_flag"] > sps["sps_virtual_boundaries_present_flag"]
    if own and s.flag("ph_virtual_boundaries_present_flag"):
        read_boundaries(s)
    if pps["pps_output_flag_present_flag"] and not s["ph_non_ref_pic_flag"]:
        s.flag("ph_pic_output_flag")
    if sps["sps_partition_constraints_override_enabled_flag"]:
        _partitions(s, sps)
    for subdivided in ("pps_cu_qp_delta_enabled_flag", "pps_cu_chroma_qp_offset_list_enabled_flag"):
        if pps[subdivided]:
            s.ue("ph_subdiv_intra_slice")
    if sps["sps_joint_cbcr_enabled_flag"]:
        s.flag("ph_joint_cbcr_sign_flag")
    if pps["pps_picture_header_extension_present_flag"]:
        s.skip(8 * s.ue("ph_extension_length", 256))


def _order(s: Syntax, sps: Sps) -> None:
    bits = sps["sps_log2_max_pic_order_cnt_lsb_minus4"] + 4
    s.u("ph_pic_order_cnt_lsb", bits)
    if s["ph_gdr_pic_flag"]:
        s.ue("ph_recovery_poc_cnt")
    s.skip(sps["extra_ph_bits"])
    if sps["sps_poc_msb_cycle_flag"] and s.flag("ph_poc_msb_cycle_present_flag"):
        s.skip(sps["sps_poc_msb_cycle_len_minus1"] + 1)


def _partitions(s: Syntax, sps: Sps) -> None:
    if not s.flag("ph_partition_constraints_override_flag"):
        return
    for tree in ("luma", "chroma") if sps["sps_qtbtt_dual_tree_intra_flag"] else ("luma",):
        s.ue("ph_log2_diff_min_qt_min_cb")
        if s.ue(f"ph_max_mtt_hierarchy_depth_{tree}"):
            s.ue("ph_log2_diff_max_bt_min_qt")
            s.ue("ph_log2_diff_max_tt_min_qt")


def _until_qp(header: SliceHeader, sps: Sps) -> None:
    s = header.syntax
    s.skip(sps["extra_sh_bits"])
    s.flag("sh_no_output_of_prior_pics_flag")
    if sps["sps_alf_enabled_flag"] and s.flag("sh_alf_enabled_flag"):
        _adaptive_filters(s, sps)
    if header.picture is not s:
        s.skip(header.picture["ph_lmcs_enabled_flag"])
        s.skip(header.picture["ph_explicit_scaling_list_enabled_flag"])


def _adaptive_filters(s: Syntax, sps: Sps) -> None:
    s.skip(3 * s.u("sh_num_alf_aps_ids_luma", 3))
    if not sps["sps_chroma_format_idc"]:
        return
    if s.u("sh_alf_chroma_enabled_flags", 2):
        s.skip(3)
    if sps["sps_ccalf_enabled_flag"]:
        for _ in ("cb", "cr"):
            s.skip(3 * s.flag("sh_alf_cc_enabled_flag"))
