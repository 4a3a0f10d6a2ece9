"""What a training tells while it works."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

Record = dict[str, float]
Item = TypeVar("Item")


class Report:
    """Tells nobody, and keeps notes until the log takes them; the command line's also tells people.

    Notes may come from any thread.
    """

    def __init__(self) -> None:
        self._notes: deque[str] = deque()
        self._noted: set[str] = set()

    def status(self, text: str) -> None:
        """Tell what is being done; called often, shown now and then."""

    def note(self, text: str) -> None:
        """Tell something worth knowing, once, in the log too."""
        if text not in self._noted:
            self._noted.add(text)
            self._notes.append(text)
            self.show(text)

    def show(self, text: str) -> None:
        """Show a note to people."""

    def step(self, line: Record) -> None:
        """Tell of a line of the log: a step, or a validation."""

    def take_notes(self) -> Iterator[str]:
        """Hand over the notes that came since the last call."""
        while self._notes:
            yield self._notes.popleft()

    def tracked(self, items: Iterable[Item], total: int, text: str) -> Iterator[Item]:
        """The items, the status telling which of them is at work."""
        for number, item in enumerate(items, 1):
            self.status(f"{text} {number}/{total}")
            yield item
