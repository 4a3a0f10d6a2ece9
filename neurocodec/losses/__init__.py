"""Losses of trainings and of the search: D_m of a recogniser, L of Algorithm 1, and more."""

from neurocodec.losses.recogniser_loss import (
    LABELS,
    LOSSES,
    RecogniserLoss,
    Recognition,
    described,
    load,
)

__all__ = ["LABELS", "LOSSES", "RecogniserLoss", "Recognition", "described", "load"]
