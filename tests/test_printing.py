"""Output in a file or a pipe has no spaces at the ends of lines."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from sepprune.printing import print_trimmed


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
