"""The command line: one thin command a file, imported only when it runs."""

import difflib
import errno
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

import click

from neurocodec import __version__, files
from neurocodec.cli import console
from neurocodec.errors import NeurocodecError, OutputError
from neurocodec.files import display

COMMANDS = {
    "encode": "neurocodec.cli.commands.encode:encode",
    "decode": "neurocodec.cli.commands.decode:decode",
    "info": "neurocodec.cli.commands.info:info",
    "filter": "neurocodec.cli.commands.filter:filter_",
    "classify": "neurocodec.cli.commands.classify:classify",
    "evaluate": "neurocodec.cli.commands.evaluate:evaluate",
    "bdrate": "neurocodec.cli.commands.bdrate:bdrate",
    "report": "neurocodec.cli.commands.report:report",
    "choose": "neurocodec.cli.commands.choose:choose",
    "choose-level": "neurocodec.cli.commands.choose_level:choose_level",
    "train-proxy": "neurocodec.cli.commands.train_proxy:train_proxy",
    "train-npp": "neurocodec.cli.commands.train_npp:train_npp",
    "train-tv": "neurocodec.cli.commands.train_tv:train_tv",
    "train-dic": "neurocodec.cli.commands.train_dic:train_dic",
    "train-spic": "neurocodec.cli.commands.train_spic:train_spic",
    "finetune-recogniser": "neurocodec.cli.commands.finetune_recogniser:finetune_recogniser",
    "weights": "neurocodec.cli.commands.weights:weights",
    "doctor": "neurocodec.cli.commands.doctor:doctor",
}
_ALIASES = {"preprocess": "filter"}
_COMPLETE_VARIABLE = "_NEUROCODEC_COMPLETE"
_UNWRITABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
    errno.ENAMETOOLONG,
}


class Stopped(BaseException):
    """A signal asked this process to end; the exit code is 128 + its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class _Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = _ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="neurocodec")
def neurocodec() -> None:
    """Make pictures smaller for recognisers: filter them, then encode with a stock encoder.

    Anyone's decoder opens the files. Exit codes: 0 ok, 1 bug, 2 usage, 3 tool or weights
    missing, 4 tool failed, 5 bad input, 6 output not writable, 7 curves not comparable.
    """


def run(command: click.Command, name: str, failure: int | None = None) -> NoReturn:
    """Run a command to the process's end, every way of ending with its own exit code.

    Args:
        command: takes its arguments from the command line.
        name: what usage lines call it.
        failure: one code for all that errors.py tells apart.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _stop)
    console.open_missing_streams()
    files.begin_run()
    code = exit_code(command, name)
    sys.exit(failure if failure is not None and 0 < code < 128 else code)


def exit_code(command: click.Command, name: str) -> int:
    """Run a command, errors reported, and give the exit code of the process."""
    instruction = os.environ.get(_COMPLETE_VARIABLE)
    if instruction and command is neurocodec:
        from click.shell_completion import shell_complete

        return shell_complete(command, {}, name, _COMPLETE_VARIABLE, instruction)
    try:
        with command.make_context(name, sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        exc.show()
        return 2
    except NeurocodecError as exc:
        console.error(str(exc))
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        console.error("interrupted")
        return 130
    except Stopped as exc:
        return exc.exit_code
    except BrokenPipeError:
        console.abandon_stdout()
        return 141
    except OSError as exc:
        return _os_error_code(exc)
    except Exception as exc:
        console.bug(exc)
        return 1
    return 0


def _os_error_code(exc: OSError) -> int:
    """6 where a full or unfit place to write is to blame, as for an OutputError; else a bug."""
    if exc.errno not in _UNWRITABLE:
        console.bug(exc)
        return 1
    console.error(f"{display(exc.filename or 'standard output')}: {exc.strerror}")
    return OutputError.exit_code


def _stop(number: int, frame: FrameType | None) -> Any:
    raise Stopped(number)
