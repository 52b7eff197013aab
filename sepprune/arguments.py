"""Parsing of command lines: errors of one sentence, and help that shows defaults."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one sentence that points to the help, without the usage; exit status 2."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; {self.prog} --help shows every option", file=sys.stderr)
        self.exit(2)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse a command line. An unknown option is an error of the subcommand, whose help is the one to read."""
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            self._chosen(found).error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def _chosen(self, found: argparse.Namespace) -> Parser:
        """The parser of the innermost subcommand that was named."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                chosen = action.choices.get(str(getattr(found, action.dest, None)))
                if isinstance(chosen, Parser):
                    return chosen._chosen(found)
        return self


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Appends the default to the help of an option where it is a value; otherwise the help text states the default."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, "", ()) or action.default is False or "(default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)
