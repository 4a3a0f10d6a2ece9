"""NPP, the neural preprocessor: a filter before the encoder that knows the QP.

"Preprocessing Enhanced Image Compression for Machine Vision", section 3.2 and figure 3.
"""

from neurocodec.errors import UsageError
from neurocodec.networks.filter import FilterNetwork
from neurocodec.networks.light import Context, Light
from neurocodec.networks.semantic import Semantic
from neurocodec.networks.unet import Residual, TwoBranches

ARCHITECTURES: dict[str, type[TwoBranches | Residual | Light]] = {
    "npp": TwoBranches,
    "npp-residual": Residual,
    "npp-light": Light,
    "npp-context": Context,
    "npp-semantic": Semantic,
}
_LARGER = {"npp-light": "npp-context", "npp-context": "npp-semantic"}


class Npp(FilterNetwork):
    """x̄ = npp(x, QP), of the size of x, clamped to [0, 1]; its weights are random at first.

    Args:
        qa: whether it adapts to the QP.
        arch: "npp" (the paper's: 9,422,235 parameters without QA), "npp-residual", "npp-light",
            "npp-context" or "npp-semantic".
        width: channels of the first stage.

    Raises:
        UsageError: no such architecture.
        MissingError: "npp-semantic" without its classifier's package.
    """

    def __init__(self, qa: bool = True, arch: str = "npp", width: int = 32) -> None:
        super().__init__()
        if arch not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise UsageError(f"no architecture is called {arch!r}: choose one of {known}")
        self.config = {"qa": qa, "arch": arch, "width": width}
        self.body = body = ARCHITECTURES[arch](width, qa=qa)
        self.stride, self.reach, self.tile = body.stride, body.reach, body.tile


def grown(network: Npp, *, qa: bool, arch: str | None = None) -> Npp:
    """Continue a filter as a larger network, or return it where it has that form already.

    Quantisation adaptation comes in stage 3 of the paper's training; npp-context starts as the
    npp-light that it contains, npp-semantic as the npp-context.

    Args:
        network: the filter.
        qa: whether the larger one adapts to the QP.
        arch: architecture of the larger one; None keeps that of `network`.

    Raises:
        UsageError: `network` cannot be continued in that form.
    """
    config = network.config
    larger_config = {**config, "qa": qa, "arch": arch or config["arch"]}
    if larger_config == config:
        return network
    if config["qa"] and not qa:
        raise UsageError("it adapts to the QP already: leave out --no-qa")
    if larger_config["arch"] not in {config["arch"], _LARGER.get(config["arch"])}:
        raise UsageError(f"its --arch is {config['arch']}, which {arch} cannot continue")
    larger = Npp(**larger_config)
    larger.load_state_dict(network.state_dict(), strict=False)
    return larger
