"""The part of a sequence parameter set that says which coding tools are on (H.266, 7.3.2.4)."""

from neurocodec.codecs.streams.h266.syntax import Syntax
from neurocodec.errors import BadInputError

_MAX_LISTS = 64
_MAX_ENTRIES = 29
_420 = 1
_444 = 3


def read_tools(s: Syntax) -> None:
    """From the partition constraints to the virtual boundaries.

    Raises:
        BadInputError: damaged, cut, or of a stream in layers.
    """
    _partitions(s)
    _transforms(s)
    _filters(s)
    _references(s)
    _inter_tools(s)
    _intra_tools(s)
    _palette_and_copies(s)
    _quantisation(s)
    _virtual_boundaries(s)


def _partitions(s: Syntax) -> None:
    s.ue("sps_log2_min_luma_coding_block_size_minus2", 4)
    s.flag("sps_partition_constraints_override_enabled_flag")
    _partition(s, "intra_slice_luma")
    if s["sps_chroma_format_idc"] and s.flag("sps_qtbtt_dual_tree_intra_flag"):
        _partition(s, "intra_slice_chroma")
    _partition(s, "inter_slice")
    if s["sps_log2_ctu_size_minus5"]:
        s.flag("sps_max_luma_transform_size_64_flag")


def _partition(s: Syntax, tree: str) -> None:
    s.ue(f"sps_log2_diff_min_qt_min_cb_{tree}", 6)
    if s.ue(f"sps_max_mtt_hierarchy_depth_{tree}", 12):
        s.ue(f"sps_log2_diff_max_bt_min_qt_{tree}", 6)
        s.ue(f"sps_log2_diff_max_tt_min_qt_{tree}", 6)


def _transforms(s: Syntax) -> None:
    if s.flag("sps_transform_skip_enabled_flag"):
        s.ue("sps_log2_transform_skip_max_size_minus2", 3)
        s.flag("sps_bdpcm_enabled_flag")
    if s.flag("sps_mts_enabled_flag"):
        s.flag("sps_explicit_mts_intra_enabled_flag")
        s.flag("sps_explicit_mts_inter_enabled_flag")
    s.flag("sps_lfnst_enabled_flag")
    if s["sps_chroma_format_idc"]:
        joint = s.flag("sps_joint_cbcr_enabled_flag")
        same = s.flag("sps_same_qp_table_for_chroma_flag")
        for _ in range(1 if same else 2 + joint):
            s.se("sps_qp_table_start_minus26")
            for _ in range(s.ue("sps_num_points_in_qp_table_minus1", 110) + 1):
                s.ue("sps_delta_qp_in_val_minus1")
                s.ue("sps_delta_qp_diff_val")


def _filters(s: Syntax) -> None:
    s.flag("sps_sao_enabled_flag")
    if s.flag("sps_alf_enabled_flag") and s["sps_chroma_format_idc"]:
        s.flag("sps_ccalf_enabled_flag")
    s.flag("sps_lmcs_enabled_flag")


def _references(s: Syntax) -> None:
    s.flag("sps_weighted_pred_flag")
    s.flag("sps_weighted_bipred_flag")
    s.flag("sps_long_term_ref_pics_flag")
    if s["sps_video_parameter_set_id"] and s.flag("sps_inter_layer_prediction_enabled_flag"):
        raise BadInputError(
            "the .266 is coded in layers: take one out with VTM's BitstreamExtractor"
        )
    s.flag("sps_idr_rpl_present_flag")
    with s.span("reference_lists"):
        same = s.flag("sps_rpl1_same_as_rpl0_flag")
        for _ in range(1 if same else 2):
            for _ in range(s.ue("sps_num_ref_pic_lists", _MAX_LISTS)):
                _reference_list(s)
    s.flag("sps_ref_wraparound_enabled_flag")


def _reference_list(s: Syntax) -> None:
    entries = s.ue("num_ref_entries", _MAX_ENTRIES)
    long_term = s["sps_long_term_ref_pics_flag"]
    in_header = bool(long_term and entries and s.flag("ltrp_in_header_flag"))
    weighted = s["sps_weighted_pred_flag"] or s["sps_weighted_bipred_flag"]
    for index in range(entries):
        if not long_term or s.flag("st_ref_pic_flag"):
            distance = s.ue("abs_delta_poc_st") + (0 if weighted and index else 1)
            s.skip(1 if distance else 0)
        elif not in_header:
            s.skip(s["sps_log2_max_pic_order_cnt_lsb_minus4"] + 4)


def _inter_tools(s: Syntax) -> None:
    if s.flag("sps_temporal_mvp_enabled_flag"):
        s.flag("sps_sbtmvp_enabled_flag")
    s.flag("sps_amvr_enabled_flag")
    if s.flag("sps_bdof_enabled_flag"):
        s.flag("sps_bdof_control_present_in_ph_flag")
    s.flag("sps_smvd_enabled_flag")
    if s.flag("sps_dmvr_enabled_flag"):
        s.flag("sps_dmvr_control_present_in_ph_flag")
    if s.flag("sps_mmvd_enabled_flag"):
        s.flag("sps_mmvd_fullpel_only_enabled_flag")
    candidates = 6 - s.ue("sps_six_minus_max_num_merge_cand", 5)
    s.flag("sps_sbt_enabled_flag")
    if s.flag("sps_affine_enabled_flag"):
        _affine_tools(s)
    s.flag("sps_bcw_enabled_flag")
    s.flag("sps_ciip_enabled_flag")
    if candidates >= 2 and s.flag("sps_gpm_enabled_flag") and candidates >= 3:
        s.ue("sps_max_num_merge_cand_minus_max_num_gpm_cand", 4)
    s.ue("sps_log2_parallel_merge_level_minus2", 5)


def _affine_tools(s: Syntax) -> None:
    s.ue("sps_five_minus_max_num_subblock_merge_cand", 5)
    s.flag("sps_6param_affine_enabled_flag")
    if s["sps_amvr_enabled_flag"]:
        s.flag("sps_affine_amvr_enabled_flag")
    if s.flag("sps_affine_prof_enabled_flag"):
        s.flag("sps_prof_control_present_in_ph_flag")


def _intra_tools(s: Syntax) -> None:
    for tool in ("isp", "mrl", "mip"):
        s.flag(f"sps_{tool}_enabled_flag")
    if s["sps_chroma_format_idc"]:
        s.flag("sps_cclm_enabled_flag")
    if s["sps_chroma_format_idc"] == _420:
        s.flag("sps_chroma_horizontal_collocated_flag")
        s.flag("sps_chroma_vertical_collocated_flag")


def _palette_and_copies(s: Syntax) -> None:
    s.flag("sps_palette_enabled_flag")
    if s["sps_chroma_format_idc"] == _444 and not s["sps_max_luma_transform_size_64_flag"]:
        s.flag("sps_act_enabled_flag")
    if s["sps_transform_skip_enabled_flag"] or s["sps_palette_enabled_flag"]:
        s.ue("sps_min_qp_prime_ts", 8)
    if s.flag("sps_ibc_enabled_flag"):
        s.ue("sps_six_minus_max_num_ibc_merge_cand", 5)
    if s.flag("sps_ladf_enabled_flag"):
        intervals = s.u("sps_num_ladf_intervals_minus2", 2) + 1
        s.se("sps_ladf_lowest_interval_qp_offset")
        for _ in range(intervals):
            s.se("sps_ladf_qp_offset")
            s.ue("sps_ladf_delta_threshold_minus1")


def _quantisation(s: Syntax) -> None:
    if s.flag("sps_explicit_scaling_list_enabled_flag"):
        if s["sps_lfnst_enabled_flag"]:
            s.flag("sps_scaling_matrix_for_lfnst_disabled_flag")
        other_space = "sps_scaling_matrix_for_alternative_colour_space_disabled_flag"
        if s["sps_act_enabled_flag"] and s.flag(other_space):
            s.flag("sps_scaling_matrix_designated_colour_space_flag")
    s.flag("sps_dep_quant_enabled_flag")
    s.flag("sps_sign_data_hiding_enabled_flag")


def _virtual_boundaries(s: Syntax) -> None:
    enabled = s.flag("sps_virtual_boundaries_enabled_flag")
    if enabled and s.flag("sps_virtual_boundaries_present_flag"):
        for _ in ("vertical", "horizontal"):
            for _ in range(s.ue("num_virtual_boundaries", 3)):
                s.ue("virtual_boundary_pos_minus1")
