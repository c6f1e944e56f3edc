"""What commands show of long work: a line that is drawn anew on a terminal, and nothing anywhere else."""

import io

import pytest
from django.core.management.base import BaseCommand

from accounts.management.progress import Progress, share_read


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, *calls: tuple) -> str:
    with Progress(BaseCommand(stderr=stream, no_color=True)) as progress:
        for call in calls:
            progress(*call)
    return stream.getvalue()


def test_a_terminal_gets_one_line_that_is_drawn_anew_and_ended_once():
    half, full = "█" * 15 + "░" * 15, "█" * 30
    calls = (("1 row", 0.5), ("2 rows", 1.0), ("2 rows", 1.0))
    assert shown(Terminal(), *calls) == f"\r{half}  50% 1 row\r{full} 100% 2 rows\r{full} 100% 2 rows\n"


def test_work_of_unknown_size_is_told_without_a_bar():
    assert shown(Terminal(), ("100 patients",), ("200 patients",)) == "\r100 patients\r200 patients\n"


def test_work_that_told_nothing_leaves_no_line():
    assert shown(Terminal()) == ""


def test_files_and_pipes_get_nothing():
    assert shown(io.StringIO(), ("1 row", 0.5), ("2 rows",)) == ""


def test_the_line_ends_before_an_error_is_told():
    terminal = Terminal()
    with pytest.raises(ValueError, match="no"), Progress(BaseCommand(stderr=terminal, no_color=True)) as progress:
        raise ValueError("no" if progress("1 row", 0.0) is None else "")
    assert terminal.getvalue().endswith("1 row\n")


@pytest.mark.parametrize(("content", "share"), [("", 0.0), ("a" * 10, 1.0)])
def test_the_share_of_a_file_is_what_has_been_read_of_it(tmp_path, content, share):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with path.open() as file:
        assert share_read(file) == 0.0
        file.read()
        assert share_read(file) == share
