"""What is done to the weights of a training that has ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurocodec import files
from neurocodec.networks import checkpoint
from neurocodec.networks.checkpoint import Network


@contextmanager
def rewritten(weights: Path, expected: type[Network]) -> Iterator[Network]:
    """Around what changes the network of a weights file, which is written anew at the end."""
    stored = checkpoint.load(files.read(str(weights)), files.display(weights))
    network = stored.network
    assert isinstance(network, expected)
    yield network
    files.write(str(weights), checkpoint.dump(network.cpu(), stored.kind, stored.made))
