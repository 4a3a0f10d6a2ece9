"""A codec's rate setting: one value in the codec's own unit."""

import operator
from dataclasses import dataclass

from neurocodec.errors import UsageError

# Files of learned codecs hold a unit by its place here: new ones go to the end.
UNITS = ("qp", "quality", "iterations", "qf")


def label(unit: str) -> str:
    """The spelling of a unit in messages: "QP", "quality"."""
    return unit.upper() if unit in {"qp", "qf"} else unit


@dataclass(frozen=True)
class Level:
    """A codec's rate setting.

    Attributes:
        unit: one of UNITS, as the codec names it.
        value: in that unit.

    Raises:
        UsageError: the value is not a whole number.
    """

    unit: str
    value: int

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "value", operator.index(self.value))
        except TypeError:
            wrong = f"{label(self.unit)} must be a whole number, not {self.value!r}"
            raise UsageError(wrong) from None

    def __str__(self) -> str:
        return f"{label(self.unit)} {self.value}"

    def record(self) -> dict[str, int]:
        """The level as results keep it: {"qp": 34}."""
        return {self.unit: self.value}
