"""What a curve is called among others: what always names it, and whatever else tells it apart."""

from collections.abc import Callable, Iterable, Sequence

from neurocodec.evaluation.results import Setup

Label = Callable[[Setup], str]

_SHA256_DIGITS = 8


def among(setups: Iterable[Setup], always: Sequence[str], where_differing: Sequence[str]) -> Label:
    """A function that gives each of `setups` a name no other of them has in these fields.

    Args:
        setups: that stand beside each other.
        always: fields that every name says; empty ones are left out.
        where_differing: fields that names say only if two setups differ in them while they
            agree in `always`.
    """
    alike: dict[tuple[str, ...], list[Setup]] = {}
    for setup in setups:
        alike.setdefault(_said(setup, always), []).append(setup)
    extra = [
        key
        for key in where_differing
        if any(len({getattr(setup, key) for setup in group}) > 1 for group in alike.values())
    ]
    return lambda setup: ", ".join(filter(None, _said(setup, [*always, *extra])))


def heading(setup: Setup) -> str:
    """What was asked about which pictures, in words."""
    asked = ", ".join(filter(None, (setup.task, setup.model)))
    return f"{asked} on {setup.data} ({setup.pictures} pictures)"


def _said(setup: Setup, keys: Sequence[str]) -> tuple[str, ...]:
    values = ((key, str(getattr(setup, key))) for key in keys)
    return tuple(v[:_SHA256_DIGITS] if key.endswith("sha256") else v for key, v in values)
