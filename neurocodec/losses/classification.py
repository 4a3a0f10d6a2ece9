"""D_m of a classifier, from its own answer to the clean picture or from the label."""

from torch import Tensor
from torch.nn import functional


def kl_divergence(clean: Tensor, logits: Tensor) -> Tensor:
    """KL(p_clean ‖ p_decoded) = Σ p_clean·(log p_clean − log p_decoded) of every picture, nats.

    Args:
        clean: (N, classes) logits of the clean pictures.
        logits: likewise of the decoded ones.

    Returns:
        (N,), at least 0 but for rounding.
    """
    log_clean, log_decoded = clean.log_softmax(1), logits.log_softmax(1)
    return functional.kl_div(log_decoded, log_clean, reduction="none", log_target=True).sum(1)


def cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """−log p_decoded(label) of every picture, nats.

    Args:
        logits: (N, classes) of the decoded pictures.
        classes: (N,) int64, the labels' indices.

    Returns:
        (N,), at least 0.
    """
    return functional.cross_entropy(logits, classes, reduction="none")
