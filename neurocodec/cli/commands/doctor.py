"""`neurocodec doctor`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from neurocodec.cli import options

if TYPE_CHECKING:
    from neurocodec.tools import Tool


@dataclass(frozen=True)
class Finding:
    """How one external tool stands. `remedy` is what to type where it is not ok."""

    tool: str
    codec: str
    ok: bool
    path: str | None
    version: str | None
    source: str | None
    remedy: str | None


@click.command()
@options.as_json
@options.verbosity
def doctor(as_json: bool) -> None:
    """Say which external tools are found, and how to get those that are not.

    Every codec works without the optional ones; a tool that is found is used.
    """
    for finding in _findings():
        click.echo(json.dumps(asdict(finding)) if as_json else _line(finding))


def _findings() -> Iterator[Finding]:
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
        return Finding(tool.name, codec, False, None, None, "variable", str(exc))
    if program is None:
        return Finding(tool.name, codec, False, None, None, None, tool.install)
    found = (str(program.path), program.version, program.source)
    return Finding(tool.name, codec, True, *found, None)


def _line(finding: Finding) -> str:
    if finding.ok:
        state = f"ok      {finding.version} ({finding.source}: {finding.path})"
    else:
        state = f"absent  {finding.remedy}"
    return f"{finding.codec:9} {finding.tool:17} {state}"
