"""Sphinx extension: a directive that lists the options of a command, read from its argument parser.

A page says ``{command-options} sepprune separate``, and the options on the site are those of the program.
"""

from __future__ import annotations

import argparse

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from app.options import parser as live_parser
from sepprune.cli import _parser as sepprune_parser


class CommandOptions(SphinxDirective):
    """A definition list of the arguments of ``sepprune COMMAND`` or ``sepprune-live``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        parser = parser_of(self.arguments[0])
        usage = parser.format_usage().removeprefix("usage: ").strip()
        options = nodes.definition_list()
        for action in parser._actions:
            if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
                continue
            term = nodes.term("", "", nodes.literal(text=_invocation(parser, action)))
            options += nodes.definition_list_item(
                "", term, nodes.definition("", nodes.paragraph(text=_help(parser, action)))
            )
        return [nodes.literal_block(usage, usage, language="none"), options]


def parser_of(command: str) -> argparse.ArgumentParser:
    """The argument parser of ``sepprune-live`` or ``sepprune COMMAND``.

    Raises:
        KeyError: there is no such command.
    """
    program, *names = command.split()
    if program == "sepprune-live":
        return live_parser()
    parser = sepprune_parser(names[0])
    for name in names:
        [choice] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        commands: dict[str, argparse.ArgumentParser] = choice.choices
        parser = commands[name]
    return parser


def _invocation(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._format_action_invocation(action)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("command-options", CommandOptions)
    return {"parallel_read_safe": True}
