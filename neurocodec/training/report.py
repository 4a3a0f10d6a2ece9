"""Messages of a training to people and to its log: phases, progress, notes and steps."""

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
        """Tell of a phase that begins; shown at once."""

    def progress(self, text: str) -> None:
        """Tell how far a phase is; called often, shown now and then."""

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
        """The items of a phase, with its progress."""
        self.status(text)
        for number, item in enumerate(items, 1):
            self.progress(f"{text} {number}/{total}")
            yield item
