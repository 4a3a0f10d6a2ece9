"""D_m: how far the recogniser's answer to a decoded picture is from what it should be."""

from neurocodec.training.distances.distance import (
    LABELS,
    LOSSES,
    Distance,
    load,
    objective,
)

__all__ = ["LABELS", "LOSSES", "Distance", "load", "objective"]
