"""The part of a sequence parameter set that says which coding tools are on (H.266, 7.3.2.4)."""

from neurocodec.codecs.streams.h266.syntax import Syntax
from neurocodec.errors import BadInputError

_420 = 1
_444 = 3


def read_tools(s: Syntax) -> None:
    """Read from the partition constraints to the virtual boundaries.

    Raises:
        BadInputError: cut, or of a stream in layers.
    """
    _partitions(s)
    _transforms(s)
    _filters(s)
    _references(s)
    _inter_tools(s)
    _intra_tools(s)
    _quantisation(s)
    if s.read("virtual_boundaries_enabled") and s.read("virtual_boundaries_present"):
        for _ in ("vertical", "horizontal"):
            for _ in range(s.read("num_virtual_boundaries.ue")):
                s.read("virtual_boundary_pos_minus1.ue")


def _partitions(s: Syntax) -> None:
    s.read("log2_min_luma_coding_block_size_minus2.ue partition_constraints_override_enabled")
    _partition(s)
    if s["chroma_format_idc"] and s.read("qtbtt_dual_tree_intra"):
        _partition(s)
    _partition(s)  # of inter slices
    if s["log2_ctu_size_minus5"]:
        s.read("max_luma_transform_size_64")


def _partition(s: Syntax) -> None:
    if s.read("log2_diff_min_qt_min_cb.ue max_mtt_hierarchy_depth.ue"):
        s.read("log2_diff_max_bt_min_qt.ue log2_diff_max_tt_min_qt.ue")


def _transforms(s: Syntax) -> None:
    if s.read("transform_skip_enabled"):
        s.read("log2_transform_skip_max_size_minus2.ue bdpcm_enabled")
    if s.read("mts_enabled"):
        s.read("explicit_mts_intra_enabled explicit_mts_inter_enabled")
    s.read("lfnst_enabled")
    if s["chroma_format_idc"]:
        same = s.read("joint_cbcr_enabled same_qp_table_for_chroma")
        for _ in range(1 if same else 2 + s["joint_cbcr_enabled"]):
            for _ in range(
                s.read("qp_table_start_minus26.se num_points_in_qp_table_minus1.ue") + 1
            ):
                s.read("delta_qp_in_val_minus1.ue delta_qp_diff_val.ue")


def _filters(s: Syntax) -> None:
    if s.read("sao_enabled alf_enabled") and s["chroma_format_idc"]:
        s.read("ccalf_enabled")
    s.read("lmcs_enabled")


def _references(s: Syntax) -> None:
    s.read("weighted_pred weighted_bipred long_term_ref_pics")
    if s["video_parameter_set_id"] and s.read("inter_layer_prediction_enabled"):
        raise BadInputError(
            "the .266 is coded in layers: take one out with VTM's BitstreamExtractor"
        )
    s.read("idr_rpl_present")
    with s.span("reference_lists"):
        same = s.read("rpl1_same_as_rpl0")
        for _ in range(1 if same else 2):
            for _ in range(s.read("num_ref_pic_lists.ue")):
                _reference_list(s)
    s.read("ref_wraparound_enabled")


def _reference_list(s: Syntax) -> None:
    entries = s.read("num_ref_entries.ue")
    long_term = s["long_term_ref_pics"]
    in_header = bool(long_term and entries and s.read("ltrp_in_header"))
    weighted = s["weighted_pred"] or s["weighted_bipred"]
    for index in range(entries):
        if not long_term or s.read("st_ref_pic"):
            distance = s.read("abs_delta_poc_st.ue") + (0 if weighted and index else 1)
            s.skip(1 if distance else 0)
        elif not in_header:
            s.skip(s["log2_max_pic_order_cnt_lsb_minus4"] + 4)


def _inter_tools(s: Syntax) -> None:
    if s.read("temporal_mvp_enabled"):
        s.read("sbtmvp_enabled")
    if s.read("amvr_enabled bdof_enabled"):
        s.read("bdof_control_present_in_ph")
    if s.read("smvd_enabled dmvr_enabled"):
        s.read("dmvr_control_present_in_ph")
    if s.read("mmvd_enabled"):
        s.read("mmvd_fullpel_only_enabled")
    candidates = 6 - s.read("six_minus_max_num_merge_cand.ue")
    if s.read("sbt_enabled affine_enabled"):
        s.read("five_minus_max_num_subblock_merge_cand.ue 6param_affine_enabled")
        if s["amvr_enabled"]:
            s.read("affine_amvr_enabled")
        if s.read("affine_prof_enabled"):
            s.read("prof_control_present_in_ph")
    s.read("bcw_enabled ciip_enabled")
    if candidates >= 2 and s.read("gpm_enabled") and candidates >= 3:
        s.read("max_num_merge_cand_minus_max_num_gpm_cand.ue")
    s.read("log2_parallel_merge_level_minus2.ue")


def _intra_tools(s: Syntax) -> None:
    chroma = s["chroma_format_idc"]
    s.read("isp_enabled mrl_enabled mip_enabled")
    if chroma:
        s.read("cclm_enabled")
    if chroma == _420:
        s.read("chroma_horizontal_collocated chroma_vertical_collocated")
    s.read("palette_enabled")
    if chroma == _444 and not s["max_luma_transform_size_64"]:
        s.read("act_enabled")
    if s["transform_skip_enabled"] or s["palette_enabled"]:
        s.read("min_qp_prime_ts.ue")
    if s.read("ibc_enabled"):
        s.read("six_minus_max_num_ibc_merge_cand.ue")


def _quantisation(s: Syntax) -> None:
    if s.read("ladf_enabled"):
        intervals = s.read("num_ladf_intervals_minus2.2") + 1
        s.read("ladf_lowest_interval_qp_offset.se")
        s.read("ladf_qp_offset.se ladf_delta_threshold_minus1.ue " * intervals)
    if s.read("explicit_scaling_list_enabled"):
        if s["lfnst_enabled"]:
            s.read("scaling_matrix_for_lfnst_disabled")
        other_space = "scaling_matrix_for_alternative_colour_space_disabled"
        if s["act_enabled"] and s.read(other_space):
            s.read("scaling_matrix_designated_colour_space")
    s.read("dep_quant_enabled sign_data_hiding_enabled")
