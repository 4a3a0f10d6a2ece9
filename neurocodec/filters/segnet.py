"""Palacio+: an autoencoder fine-tuned through a recogniser, without a thought for bits."""

from neurocodec.filters.network import NetworkFilter


class SegNet(NetworkFilter):
    """x' = segnet(x) (networks/segnet.py), the same at every QP."""

    kind = "segnet"
