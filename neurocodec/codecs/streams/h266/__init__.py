"""H.266 (VVC): NAL units, parameter sets, picture headers."""
