"""Networks as safetensors files; the metadata says which network and how it was trained."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeVar

import safetensors
import safetensors.torch
from torch import Tensor, nn

from neurocodec import files, registry, weights
from neurocodec.errors import BadInputError, UsageError

NETWORKS = {
    "npp": "neurocodec.networks.npp:Npp",
    "proxy": "neurocodec.networks.proxy:Proxy",
    "tv": "neurocodec.networks.tv:Tv",
    "dic": "neurocodec.networks.dic:Dic",
    "spic": "neurocodec.networks.spic:Spic",
    "segnet": "neurocodec.networks.segnet:SegNet",
    "recogniser": "neurocodec.networks.recognisers.tuned:Tuned",
}
_UNFIT = (
    *(UsageError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, ValueError, RuntimeError),
)  # what constructors make of descriptions of other networks
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network read from a file.

    Attributes:
        network: in evaluation mode, on the CPU, float32.
        kind: its key in NETWORKS.
        made: how it was trained, plain JSON values: command, data, steps, the range of QPs …
        sha256: of the file.
    """

    network: nn.Module
    kind: str
    made: dict[str, Any]
    sha256: str


def dump(network: nn.Module, kind: str, made: dict[str, Any]) -> bytes:
    """Serialise a network, whose `config` holds its constructor's arguments.

    Args:
        network: an instance of NETWORKS[kind].
        kind: a key of NETWORKS.
        made: how it was trained, plain JSON values.
    """
    metadata = {"network": kind, "config": json.dumps(network.config), "made": json.dumps(made)}
    return tensors_file(network.state_dict(), metadata)


def load(data: bytes, name: str) -> Checkpoint:
    """Load the network of a file that `dump` wrote, whatever the float type of its tensors.

    Args:
        data: the file's content.
        name: how messages refer to it.

    Raises:
        BadInputError: the file is damaged or of another kind, or its tensors do not fit.
        MissingError: the network needs a Python package that is not installed.
    """
    tensors, metadata = read_tensors(data, name)
    try:
        kind = metadata["network"]
        network = registry.load(NETWORKS, kind, "network")(**files.parsed(metadata["config"]))
        network.load_state_dict(tensors)
        made = dict(files.parsed(metadata["made"]))
    except _UNFIT as exc:
        reason = " ".join(str(exc).split())[:300]
        raise BadInputError(f"{name} holds no network of this program ({reason})") from exc
    network.eval().requires_grad_(False)
    return Checkpoint(network, kind, made, hashlib.sha256(data).hexdigest())


def read(named: str, expected: type[Network], noun: str) -> tuple[Network, Checkpoint]:
    """Load installed weights or a file, which must hold a network of the expected class.

    Args:
        named: the name of installed weights, or the path of a file that `dump` wrote.
        expected: the class of the network.
        noun: how messages refer to such a network.

    Raises:
        MissingError: no such weights or file, or a Python package is not installed.
        BadInputError: the file holds no network.
        UsageError: the file holds a network of another class.
    """
    name = files.display(named)
    checkpoint = load(weights.read(named), name)
    if not isinstance(checkpoint.network, expected):
        raise UsageError(f"{name} holds a {checkpoint.kind}, not a {noun}")
    return checkpoint.network, checkpoint


def tensors_file(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Write a safetensors file; equal tensors and metadata give equal bytes."""
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    data: bytes = safetensors.torch.save(plain, metadata)
    # The library puts the metadata in another order each time.
    end = 8 + int.from_bytes(data[:8], "little")
    fields = files.parsed(data[8:end])
    fields["__metadata__"] = dict(sorted(fields.get("__metadata__", {}).items()))
    header = json.dumps(fields, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def read_tensors(data: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a safetensors file.

    Raises:
        BadInputError: the file is damaged, or of another format.
    """
    try:
        end = 8 + int.from_bytes(data[:8], "little")
        metadata = files.parsed(data[8:end]).get("__metadata__", {})
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, AttributeError) as exc:
        raise BadInputError(f"{name} is not a safetensors file ({exc})") from exc
    return tensors, metadata
