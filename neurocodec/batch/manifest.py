"""A batch's manifest: a JSON line a picture, written at once, from which a batch goes on.

A line has the fields of the picture's record, or its error, and `settings`, what was asked. Of
several lines for one output the last counts.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from neurocodec import files, locks, urls
from neurocodec.batch import records
from neurocodec.batch.engines.local import Outcome
from neurocodec.batch.plan import Job
from neurocodec.batch.records import Record
from neurocodec.errors import BadInputError, OutputError, UsageError
from neurocodec.files import STANDARD, display

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Finished:
    """What a manifest says of pictures that are done.

    Attributes:
        whole: jobs whose input and output are as they were.
        stale: others: the input changed, or the output did, or is not there.
    """

    whole: set[Job] = field(default_factory=set)
    stale: set[Job] = field(default_factory=set)


@dataclass(eq=False)
class Manifest:
    """An open manifest.

    Attributes:
        file: open for appending.
        name: its name in messages.
        settings: of this run.
        entries: by the paths of source and target, absolute: the last line of each.
    """

    file: BinaryIO
    name: str
    settings: Settings
    entries: Mapping[tuple[str, str], dict[str, Any]]

    def add(self, outcome: Outcome[Job, Record]) -> None:
        """Append a picture's line.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps({**records.as_object(outcome), "settings": self.settings})
        try:
            self.file.write(line.encode() + b"\n")
            self.file.flush()
        except OSError as exc:
            raise OutputError(f"{self.name}: cannot be written ({exc.strerror})") from exc

    def has(self, job: Job) -> bool:
        """True if the manifest has a line of the job."""
        return _key(job.source, job.target) in self.entries

    def finished(self, jobs: Iterable[Job]) -> Finished:
        """What is done of the jobs, inputs and outputs read and compared by their SHA-256."""
        found = Finished()
        for job in jobs:
            entry = self.entries.get(_key(job.source, job.target))
            if entry is None or "error" in entry:
                continue
            whole = _is(job.source, entry, "input_sha256") and _is(job.target, entry, "sha256")
            (found.whole if whole else found.stale).add(job)
        return found

    def refuse_others(self, jobs: Sequence[Job]) -> None:
        """Refuse to go on with pictures that were made with other settings.

        Raises:
            UsageError: one was; the message says what differs.
        """
        for job in jobs:
            entry = self.entries.get(_key(job.source, job.target), {"settings": self.settings})
            changed = self._changed(entry)
            if changed:
                raise UsageError(
                    f"{self.name}: {display(job.target)} was made with {changed}: give the same "
                    "options, or name another manifest and folder"
                )

    def made_alike(self, job: Job) -> bool:
        """True if the manifest has the job, made with these settings."""
        entry = self.entries.get(_key(job.source, job.target))
        return entry is not None and "error" not in entry and not self._changed(entry)

    def _changed(self, entry: Mapping[str, Any]) -> str:
        """What of an entry's settings is not as this run's, in words; nothing where all is."""
        before, now = entry.get("settings", {}), json.loads(json.dumps(self.settings))
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return ", ".join(f"{key} {before.get(key)}, not {now.get(key)}" for key in keys)


@contextmanager
def opened(path: Path, settings: Settings, *, resume: bool) -> Iterator[Manifest]:
    """Open a manifest for one run alone; a last line that was cut off goes.

    Args:
        path: the file.
        settings: of this run.
        resume: go on with what it has.

    Raises:
        UsageError: it has lines and `resume` is off, or another run is writing it.
        BadInputError: it holds other things.
        OutputError: it cannot be written.
    """
    name = display(path)
    try:
        file = path.open("a+b")
    except OSError as exc:
        raise OutputError(f"{name}: cannot be written ({exc.strerror})") from exc
    with file:
        if locks.take(file) is False:
            raise UsageError(f"{name}: another run is writing it: wait, or name another file")
        file.seek(0)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if content and not resume:
            raise UsageError(f"{name} has pictures: add --resume, or name another file")
        entries = read(whole, name)
        file.truncate(len(whole))
        yield Manifest(file, name, settings, entries)


def read(content: bytes, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The last line of every source and target, by their absolute paths.

    Raises:
        BadInputError: a line is none of a manifest.
    """
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    for number, line in enumerate(content.splitlines(), 1):
        try:
            entry = files.parsed(line)
            names = entry["input"], entry["output"]
            if not all(isinstance(one, str) for one in names) or not _has_settings(entry):
                raise ValueError("names or settings are missing")
            key = _key(*names)
        except (ValueError, KeyError, TypeError) as exc:
            raise BadInputError(f"{name}, line {number}: no line of a manifest ({exc})") from exc
        entries[key] = entry
    return entries


def outputs(path: Path) -> set[str]:
    """The absolute paths of the outputs that a manifest has; none where there is no manifest."""
    if not path.exists():
        return set()
    content = files.read(str(path))
    whole = content[: content.rfind(b"\n") + 1]
    return {target for _, target in read(whole, display(path))}


def _key(source: str, target: str) -> tuple[str, str]:
    return _absolute(source), _absolute(target)


def _absolute(name: str) -> str:
    plain = name == STANDARD or urls.is_url(name)
    return name if plain else os.path.abspath(name)  # noqa: PTH100 - links stay as they are


def _has_settings(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("settings"), dict)


def _is(path: str, entry: Mapping[str, Any], key: str) -> bool:
    """True if a file has the SHA-256 that the entry tells."""
    if path == STANDARD:
        return False
    try:
        return hashlib.sha256(files.read(path)).hexdigest() == entry.get(key)
    except (BadInputError, UsageError):
        return False
