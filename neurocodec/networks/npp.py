"""NPP, the neural preprocessor: a filter before the encoder that knows the QP.

"Preprocessing Enhanced Image Compression for Machine Vision", section 3.2 and figure 3.
"""

from torch import Tensor

from neurocodec.errors import UsageError
from neurocodec.networks.context import Context
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.light import Light
from neurocodec.networks.unet import Residual, TwoBranches

ARCHITECTURES: dict[str, type[TwoBranches | Residual | Light]] = {
    "npp": TwoBranches,
    "npp-residual": Residual,
    "npp-light": Light,
    "npp-context": Context,
}
_LARGER = {"npp-light": "npp-context"}


class Npp(FilterNetwork):
    """x̄ = npp(x, QP), of the picture's own size, clamped to [0, 1]."""

    def __init__(self, qa: bool = True, arch: str = "npp", width: int = 32) -> None:
        """Build the network, with random weights.

        Args:
            qa: whether it adapts to the QP.
            arch: "npp" (the paper's: 9,422,235 parameters without QA), "npp-residual",
                "npp-light" or "npp-context".
            width: channels of the first stage.

        Raises:
            UsageError: no such architecture.
        """
        super().__init__()
        if arch not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise UsageError(f"no preprocessor is called {arch!r}: the known ones are {known}")
        self.config = {"qa": qa, "arch": arch, "width": width}
        self.body = ARCHITECTURES[arch](width, qa=qa)
        self.stride = self.body.stride
        self.reach = self.body.reach
        self.tile = self.body.tile

    def filtered(self, x: Tensor, qps: Tensor) -> Tensor:
        """The output of the body, which works on whole strides."""
        filtered: Tensor = self.body(x, qps)
        return filtered


def grown(network: Npp, *, qa: bool, arch: str | None = None) -> Npp:
    """The same filter in a larger network, or itself where nothing is asked for.

    Quantisation adaptation comes in stage 3 of the paper's training; npp-context begins as the
    npp-light that it is made of.

    Args:
        network: the filter.
        qa: whether the larger one must adapt to the QP.
        arch: of the larger one; None is that of `network`.

    Raises:
        UsageError: there is no larger network of that kind.
    """
    had = network.config
    wanted = {**had, "qa": qa, "arch": arch or had["arch"]}
    if wanted == had:
        return network
    if had["qa"] and not qa:
        raise UsageError("it adapts to the QP already: leave out --no-qa")
    if wanted["arch"] not in {had["arch"], _LARGER.get(had["arch"])}:
        raise UsageError(f"it is of --arch {had['arch']}, not {arch}")
    larger = Npp(**wanted)
    larger.load_state_dict(network.state_dict(), strict=False)
    return larger
