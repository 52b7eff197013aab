"""Output shows names as they are, and in a file or a pipe has no spaces at the ends of lines."""

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from sepprune.printing import counted, plain_console, print_trimmed


def test_no_line_of_a_table_ends_in_a_space() -> None:
    table = Table("name", "value", title="numbers")
    table.add_row("one", "1")
    file = StringIO()
    print_trimmed(Console(file=file, width=80), table)
    lines = file.getvalue().splitlines()
    assert any("one" in line for line in lines) and not [line for line in lines if line != line.rstrip()]


def test_text_and_its_options_are_printed_as_by_the_console() -> None:
    file = StringIO()
    print_trimmed(Console(file=file, width=10), "a long line that stays whole ", soft_wrap=True)
    assert file.getvalue() == "a long line that stays whole\n"


@pytest.mark.parametrize("name", ["talk[bold red].wav", "[/]", "[/none]", "a:key:b", "[1]"])
def test_a_name_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(name, title=name)
    table.add_row(name)
    console = plain_console()
    console.print(name, soft_wrap=True)
    console.print(table)
    assert capsys.readouterr().out.count(name) == 4


def test_a_noun_is_singular_after_one_alone() -> None:
    assert [counted(number, "row") for number in (0, 1, 2, 3000)] == ["0 rows", "1 row", "2 rows", "3,000 rows"]
    assert (counted(1, "miss", "misses"), counted(2, "miss", "misses")) == ("1 miss", "2 misses")
