"""Help shows defaults, and an error is one sentence."""

import argparse

import pytest

from sepprune.arguments import HelpFormatter, Parser


@pytest.mark.parametrize(
    ("default", "help", "shown"),
    [
        (None, "folder", "folder"),
        ("", "names", "names"),
        ((), "patterns", "patterns"),
        (False, "be quick", "be quick"),
        (0, "level", "level (default: 0)"),
        (8.0, "duration", "duration (default: 8.0)"),
        ("all", "which (default: all)", "which (default: all)"),
    ],
)
def test_a_default_is_shown_once_and_only_where_it_is_a_value(default: object, help: str, shown: str) -> None:
    parser = Parser(formatter_class=HelpFormatter)
    parser.add_argument("--option", default=default, help=help)
    assert parser.format_help().rstrip().endswith(shown)


def test_an_error_is_one_sentence_that_points_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="sepprune", formatter_class=argparse.HelpFormatter)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--unknown"])
    assert capsys.readouterr().err == (
        "sepprune: unrecognized arguments: --unknown; sepprune --help shows every option\n"
    )


def test_an_unknown_option_is_an_error_of_the_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="sepprune")
    action = parser.add_subparsers(dest="command").add_parser("study").add_subparsers(dest="action")
    action.add_parser("merge")
    with pytest.raises(SystemExit, match="2"):
        parser.parse(["study", "merge", "--lvl", "3"])
    assert capsys.readouterr().err == (
        "sepprune study merge: unrecognized arguments: --lvl 3; sepprune study merge --help shows every option\n"
    )
