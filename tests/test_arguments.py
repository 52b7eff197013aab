"""Help shows defaults, an error is one sentence, and numbers have limits."""

import argparse

import pytest

from sepprune.arguments import HelpFormatter, Parser, check_number
from sepprune.errors import UserError


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


@pytest.mark.parametrize("number", [None, 1, 60, 0.5, 1e-9])
def test_a_number_within_its_limits_passes(number: float | None) -> None:
    check_number("--seconds", number, 0, 60, above=True)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (-1.5, "-1.5"),
        (60.5, "60.5"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (10**30, "1" + 30 * "0"),
        (10**400, f"1{'0' * 61}..."),
    ],
)
def test_a_number_beyond_its_limits_is_one_sentence(number: float, shown: str) -> None:
    with pytest.raises(UserError) as found:
        check_number("--seconds", number, 0, 60, "seconds", above=True)
    assert str(found.value) == f"--seconds {shown} is not possible: give more than 0 and at most 60 seconds"


def test_a_limit_may_be_allowed_itself() -> None:
    check_number("--seed", 0, 0, 9)
    with pytest.raises(UserError, match="--seed -1 is not possible: give 0 to 9$"):
        check_number("--seed", -1, 0, 9)
