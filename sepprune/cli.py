"""The ``sepprune`` command: one thin module a subcommand, in :mod:`sepprune.commands`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import __version__
from .arguments import HelpFormatter, Parser
from .errors import UserError

#: subcommands in the order of a project: look, prune, train, judge, use
COMMANDS = {
    "analyze": "show where a separator's computation goes",
    "prune": "learn which channels to drop, drop them, prove the result",
    "compare": "compare pruning methods on a trained separator",
    "pack": "put training data into one small file",
    "train": "train or fine-tune a separator",
    "ladder": "prune and fine-tune a separator to several sizes",
    "evaluate": "stream mixtures through every level and score them",
    "separate": "separate a sound file as the live app does",
    "bench": "time every level, chunk and backend",
    "export": "write a level as ONNX or OpenVINO",
    "study": "make, plan and analyse listening tests of levels",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (0 done, 1 our fault, 2 the user's input is wrong)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    args = _parser(_named(arguments)).parse_args(arguments)
    try:
        report = args.run(args)
        if args.json:
            _write_json(report, args.json)
        return 0
    except UserError as error:
        if args.debug:
            raise
        print(f"sepprune {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _named(arguments: Sequence[str]) -> str | None:
    """The subcommand among the arguments: only its module needs importing."""
    return next((word for word in arguments if word in COMMANDS), None)


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    parser = Parser(
        prog="sepprune", description="Compress speech separators by learned channel pruning, and stream the result."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = subparsers.add_parser(
            name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".", formatter_class=HelpFormatter
        )
        if name == wanted:
            module = importlib.import_module(f".commands.{name}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
        command.add_argument("--json", metavar="FILE", help="write the result as one JSON object; - is standard output")
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _write_json(report: dict[str, Any], destination: str) -> None:
    text = json.dumps(report, indent=2, allow_nan=False)
    if destination == "-":
        print(text)
    else:
        try:
            with open(destination, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise UserError(f"cannot write {destination}: {error.strerror}") from error
