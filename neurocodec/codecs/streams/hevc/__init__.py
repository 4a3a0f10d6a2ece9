"""HEVC (H.265): NAL units, parameter sets, slice headers."""
