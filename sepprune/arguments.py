"""Parsing of command lines: errors of one sentence, and help that shows defaults."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one sentence that points to the help, without the usage; exit status 2."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; {self.prog} --help shows every option", file=sys.stderr)
        self.exit(2)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Appends the default to the help of an option where it is a value; otherwise the help text states the default."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, "", ()) or action.default is False or "(default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)
