"""neurocodec: filter pictures before a stock encoder, for recognisers. Start at pipeline.py."""

__version__ = "0.2.0"
