"""The ``sepprune`` command. Each subcommand is one thin module in :mod:`sepprune.commands`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .arguments import HelpFormatter, Parser
from .errors import UserError
from .extras import explained
from .files import check_destination, write_report
from .printing import print_any_name
from .signals import asked_to_end, interrupt

#: subcommands and what they do, in the order in which a project needs them
COMMANDS = {
    "import": "write a public pretrained separator as one of this program",
    "analyze": "show the cost of a separator by layer and by channel group",
    "prune": "remove channels of a separator to meet a budget, and check the result",
    "compare": "compare pruning methods on a trained separator",
    "pack": "put training data into one small file",
    "train": "train or fine-tune a separator",
    "ladder": "prune and fine-tune a separator to several sizes",
    "evaluate": "stream mixtures through every level and score the results",
    "separate": "separate a sound file as the live app does",
    "bench": "time every level, chunk duration and backend",
    "export": "write a level as ONNX or OpenVINO, for other programs",
    "study": "make, plan and analyse listening tests of levels",
}

#: modules of commands whose names Python keeps for itself
_MODULES = {"import": "import_checkpoint"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line, by default that of the process.

    Returns:
        The exit status: 0 done, 2 the user's input is wrong, 130 interrupted. Anything else is an exception.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    print_any_name()
    if arguments[:1] == ["live"]:  # what many look for
        print("sepprune: the live app is a program of its own: run sepprune-live", file=sys.stderr)
        return 2
    try:
        args = _parser(_named(arguments)).parse(arguments)
    except ModuleNotFoundError as error:
        return _missing(error, str(_named(arguments)))
    try:
        _check_paths(args)
        with asked_to_end(interrupt):
            report = args.run(args)
            if args.json:
                write_report(args.json, report)
        # training saves its state at Ctrl-C and reports what it has
        return 130 if isinstance(report, dict) and report.get("complete") is False else 0
    except UserError as error:
        if args.debug:
            raise
        print(f"sepprune {args.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if args.debug:
            raise
        return _missing(error, args.command)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _check_paths(args: argparse.Namespace) -> None:
    """Refuse a report that cannot be written, or that would replace a file of the same command.

    Raises:
        UserError: a path is empty, or ``--json`` names no file that can be written.
    """
    for name in ("out", "data", "json", "config"):
        if getattr(args, name, None) == "":
            raise UserError(f"{name} is empty: give a path")
    if args.json in (None, "-"):
        return
    if not hasattr(args, "config"):  # the folder that a configuration names may not exist yet
        check_destination("--json", args.json, made=_made(args))
    for name in ("out", "data", "config", "input", "weights", "plan", "plot"):
        other = getattr(args, name, None)
        if isinstance(other, str) and Path(other).absolute() == Path(args.json).absolute():
            raise UserError(f"--json {args.json} is the file of {name}, too: name another one")


def _missing(error: ModuleNotFoundError, command: str) -> int:
    """Say which extra has the package that a command lacks; any other missing module is our fault."""
    sentence = explained(error, "this command", command)
    if sentence is None:
        raise error
    print(f"sepprune {command}: {sentence}", file=sys.stderr)
    return 2


def _made(args: argparse.Namespace) -> list[Path]:
    """Folders that a command makes, so that the file of ``--json`` may be in them."""
    given = (getattr(args, name, None) for name in ("out", "report", "results"))
    return [Path(folder) for folder in given if isinstance(folder, str)]


def _named(arguments: Sequence[str]) -> str | None:
    """The subcommand among the arguments; only its module has to be imported."""
    return next((word for word in arguments if word in COMMANDS), None)


def _parser(wanted: str | None) -> Parser:
    parser = Parser(
        prog="sepprune",
        description="Compress speech separators by learned channel pruning, and stream the result.",
        epilog="`%(prog)s COMMAND --help` describes a command and shows all its options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = subparsers.add_parser(
            name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".", formatter_class=HelpFormatter
        )
        if name == wanted:
            module = importlib.import_module(f".commands.{_MODULES.get(name, name)}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
        command.add_argument(
            "--json", metavar="FILE", help="write the result as one JSON object to FILE; - is standard output"
        )
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser
