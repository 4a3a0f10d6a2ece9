"""Parsers of coded streams: bits, HEVC and H.266."""
