"""NPP: the neural preprocessor, trained for recognisers and a codec, adapting to the QP."""

from neurocodec.filters.network import NetworkFilter


class Npp(NetworkFilter):
    """x̄ = npp(x, QP) (networks/npp.py)."""

    kind = "npp"
