"""`neurocodec doctor`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import TYPE_CHECKING

import click

from neurocodec.cli import options

if TYPE_CHECKING:
    from neurocodec.tools import Tool


PACKAGES = {
    "compressai": "for train-proxy and mbt2018: pip install compressai (Python 3.11 and 3.12 only)",
    "fsspec": "for inputs and outputs behind URLs: pip install fsspec",
    "ray": "for --engine ray: pip install 'neurocodec[ray]'",
    "tensorboard": "for --log-dir of the trainers: pip install tensorboard",
    "timm": "for timm's recognisers: pip install timm",
}


@dataclass(frozen=True)
class Finding:
    """State of one optional tool or Python package.

    Attributes:
        tool: the program's or package's name.
        codec: the codec that uses it; None for a package.
        ok: whether it was found.
        path: of the program.
        version: of the program or package.
        source: where the program was found: "variable", "bin", "path" or "bundled"; "python"
            for a package.
        remedy: how to get it; None where it was found.
    """

    tool: str
    codec: str | None
    ok: bool
    path: str | None = None
    version: str | None = None
    source: str | None = None
    remedy: str | None = None


@click.command()
@options.as_json
@options.verbosity
def doctor(as_json: bool) -> None:
    """List optional tools and Python packages, and how to get those that are absent.

    Every standard codec works without them; a tool that is found is used.
    """
    for finding in chain(_tools(), map(_examine_package, PACKAGES)):
        click.echo(json.dumps(asdict(finding)) if as_json else _line(finding))


def _tools() -> Iterator[Finding]:
    from neurocodec import registry
    from neurocodec.codecs import CODECS

    for codec in CODECS:
        for tool in registry.load(CODECS, codec, "codec").tools:
            yield _examine(tool, codec)


def _examine(tool: "Tool", codec: str) -> Finding:
    from neurocodec import tools
    from neurocodec.errors import MissingError

    try:
        program = tools.lookup(tool)
    except MissingError as exc:
        return Finding(tool.name, codec, ok=False, source="variable", remedy=str(exc))
    if program is None:
        return Finding(tool.name, codec, ok=False, remedy=tool.install)
    return Finding(tool.name, codec, True, str(program.path), program.version, program.source)


def _examine_package(name: str) -> Finding:
    try:
        return Finding(name, None, ok=True, version=version(name), source="python")
    except PackageNotFoundError:
        return Finding(name, None, ok=False, remedy=PACKAGES[name])


def _line(finding: Finding) -> str:
    if not finding.ok:
        state = f"absent  {finding.remedy}"
    elif finding.path:
        state = f"ok      {finding.version} ({finding.source}: {finding.path})"
    else:
        state = f"ok      {finding.version}"
    return f"{finding.codec or 'python':9} {finding.tool:17} {state}"
