"""The options of commands that read tables."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandParser

from config.core.table_cells import DateOrder
from config.core.tables import text_encoding


def add_table_arguments(parser: CommandParser) -> None:
    """Add the options that say how the cells of a table are written."""
    parser.add_argument(
        "--date-order",
        choices=[order.value for order in DateOrder],
        metavar="|".join(DateOrder),
        help="the order of day, month and year in dates that are not YYYY-MM-DD; without it they are refused",
    )
    parser.add_argument(
        "--encoding", type=_encoding, metavar="NAME", help="such as windows-1252 (default: UTF-8, or UTF-16 if it is)"
    )


def _encoding(name: str) -> str:
    try:
        return text_encoding(name)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
