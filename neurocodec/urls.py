"""Files behind URLs (s3://…, gs://…, memory://…), by fsspec where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from neurocodec.errors import BadInputError, MissingError, OutputError, UsageError

_SEPARATOR = "://"
_LOCAL = "file://"


def is_url(name: str) -> bool:
    """True for a name like s3://bucket/a.png."""
    scheme, separator, _ = name.partition(_SEPARATOR)
    return bool(separator) and scheme.replace("+", "").isalnum()


def is_local(url: str) -> bool:
    """True for file://, behind which are files of this machine."""
    return url.startswith(_LOCAL)


def plain(name: str) -> str:
    """The path of a file:// URL; other names as they are."""
    return name.removeprefix(_LOCAL)


def read(url: str, max_bytes: int) -> bytes:
    """Read a file.

    Raises:
        BadInputError: it cannot be read, or is longer than `max_bytes`.
        MissingError: fsspec or what it needs for this storage is not installed.
    """
    storage, path = _storage(url)
    try:
        with storage.open(path, "rb") as file:
            data = bytes(file.read(max_bytes + 1))
    except Exception as exc:  # of whatever serves the storage
        raise BadInputError(f"{url}: cannot be read ({_reason(exc)})") from exc
    if len(data) > max_bytes:
        raise BadInputError(f"{url}: has more than {max_bytes} bytes: raise --max-bytes")
    return data


def write(url: str, data: bytes) -> None:
    """Write a file; stores of objects do it in one step, file:// and the like do not.

    Raises:
        OutputError: it cannot be written.
        MissingError: as for `read`.
    """
    storage, path = _storage(url)
    try:
        try:
            storage.pipe_file(path, data)
        except FileNotFoundError:  # stores of objects have no folders to make
            storage.makedirs(storage._parent(path), exist_ok=True)
            storage.pipe_file(path, data)
    except Exception as exc:
        raise OutputError(f"{url}: cannot be written ({_reason(exc)})") from exc


def exists(url: str) -> bool:
    """True if there is something of that name.

    Raises:
        BadInputError: the storage cannot be asked.
    """
    storage, path = _storage(url)
    with _asking(url):
        return bool(storage.exists(path))


def is_folder(url: str) -> bool:
    """True if there are files below it.

    Raises:
        BadInputError: the storage cannot be asked.
    """
    storage, path = _storage(url)
    with _asking(url):
        return bool(storage.isdir(path))


def files_below(url: str, *, recursive: bool) -> Iterator[tuple[str, str]]:
    """URL and place of every file in a folder, by name.

    Args:
        url: of the folder.
        recursive: also those in folders in it.

    Raises:
        BadInputError: it cannot be listed.
        MissingError: as for `read`.
    """
    storage, path = _storage(url)
    root = path.rstrip("/")
    with _asking(url):
        found = storage.find(path, maxdepth=None if recursive else 1)
    for one in sorted(found):
        place = one[len(root) :].lstrip("/")
        yield f"{url.rstrip('/')}/{place}", place


def _storage(url: str) -> tuple[Any, str]:
    """The storage of a URL, and the path in it."""
    if find_spec("fsspec") is None:
        raise MissingError(f"{url}: URLs need fsspec: pip install fsspec")
    try:
        storage, path = import_module("fsspec.core").url_to_fs(url)
    except ImportError as exc:
        raise MissingError(f"{url}: {exc}") from exc
    except ValueError as exc:
        raise UsageError(f"{url}: {exc}") from exc
    return storage, path


@contextmanager
def _asking(url: str) -> Iterator[None]:
    """Around questions to a storage, which may fail in its own ways."""
    try:
        yield
    except Exception as exc:
        raise BadInputError(f"{url}: cannot be asked about ({_reason(exc)})") from exc


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or " ".join(str(exc).split()) or type(exc).__name__
