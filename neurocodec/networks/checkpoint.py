"""Networks as files: safetensors, with what the network is and what made it in the metadata."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeVar

import safetensors
import safetensors.torch
from torch import Tensor, nn

from neurocodec import registry, weights
from neurocodec.errors import BadInputError, NeurocodecError, UsageError

NETWORKS = {
    "npp": "neurocodec.networks.npp:Npp",
    "proxy": "neurocodec.networks.proxy:Proxy",
    "tv": "neurocodec.networks.tv:Tv",
    "segnet": "neurocodec.networks.segnet:SegNet",
}
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network read from a file.

    Attributes:
        network: in evaluation mode, on the processor, float32.
        kind: its key in NETWORKS.
        made: what made it, plain JSON values: command, data, steps, the QPs it was trained at …
        sha256: of the file.
    """

    network: nn.Module
    kind: str
    made: dict[str, Any]
    sha256: str


def dump(network: nn.Module, kind: str, made: dict[str, Any]) -> bytes:
    """The file: the tensors of `network`, whose `config` holds its constructor's arguments.

    Args:
        network: an instance of NETWORKS[kind].
        kind: a key of NETWORKS.
        made: plain JSON values.
    """
    metadata = {
        "network": kind,
        "config": json.dumps(network.config),
        "made": json.dumps(made),
    }
    return tensors_file(network.state_dict(), metadata)


def load(data: bytes, name: str) -> Checkpoint:
    """The network in a file that `dump` wrote, of whichever float type its tensors are.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        BadInputError: no such file, damaged, or its tensors do not fit its network.
    """
    tensors, metadata = read_tensors(data, name)
    try:
        kind = metadata["network"]
        network = registry.load(NETWORKS, kind, "network")(**json.loads(metadata["config"]))
        network.load_state_dict(tensors)
        made = dict(json.loads(metadata["made"]))
    except (NeurocodecError, KeyError, TypeError, ValueError, RuntimeError) as exc:
        reason = " ".join(str(exc).split())[:300]
        raise BadInputError(f"{name}: holds no network of this program ({reason})") from exc
    network.eval().requires_grad_(False)
    return Checkpoint(network, kind, made, hashlib.sha256(data).hexdigest())


def read(named: str, expected: type[Network], noun: str) -> tuple[Network, Checkpoint]:
    """The network of a weight, and what is to be known of it.

    Args:
        named: an installed weight, or the path of a file that `dump` wrote.
        expected: what the network must be.
        noun: what messages call such a network.

    Raises:
        MissingError: there is no such weight or file.
        BadInputError: the file holds no network.
        UsageError: it holds another one.
    """
    weight = weights.read(named)
    found = load(weight.data, weight.name)
    if not isinstance(found.network, expected):
        raise UsageError(f"{weight.name}: is no {noun}")
    return found.network, found


def tensors_file(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file of the tensors and a metadata of texts: equal ones give equal bytes."""
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    data: bytes = safetensors.torch.save(plain, metadata)
    # The library puts the metadata in another order each time.
    end = 8 + int.from_bytes(data[:8], "little")
    said = json.loads(data[8:end])
    said["__metadata__"] = dict(sorted(said.get("__metadata__", {}).items()))
    header = json.dumps(said, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[end:]


def read_tensors(data: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        BadInputError: it is damaged, or of another format.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, AttributeError) as exc:
        raise BadInputError(f"{name}: not a safetensors file ({exc})") from exc
    return tensors, metadata
