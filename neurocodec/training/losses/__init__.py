"""Losses of trainings: D_m of a recogniser, rate–distortion sums, and measures of pixels."""

from neurocodec.training.losses.recogniser_loss import (
    LABELS,
    LOSSES,
    RecogniserLoss,
    load,
    objective,
    per_picture,
)

__all__ = ["LABELS", "LOSSES", "RecogniserLoss", "load", "objective", "per_picture"]
