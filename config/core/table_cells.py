"""Cells of tables that spreadsheets have saved: what they destroy is refused, and what they only write differently is read.

Messages say what is wrong and how to mend it, never what the cell holds.
"""

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.text import fold
from config.core.written_dates import month_named

# `="01234"`, which keeps spreadsheets from taking a code for a number.
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
# What spreadsheets show for a value, in any language: #REF!, #N/A, #NV, #NAAM?, Err:502; ##### where a column is too narrow.
_ERROR_VALUE = re.compile(r"#{2,}|#[¡¿]?[^\W\d_]+(?:/[^\W_]+)?[!?]|#(?:N/[A-Z]|NV|[A-Z]+_[A-Z]+)|Err:\d{3}", re.IGNORECASE)
_SCIENTIFIC = re.compile(
    r"[+-]?(?:\d+(?:[.,]\d*)?[ \xa0]?E[ \xa0]?[+-]\d{1,3}|\d+[.,]\d+[ \xa0]?E\d{1,3})", re.ASCII | re.IGNORECASE
)
# Numbers with decimals of zeros (555.0000 is a phone), with thousands, and with both. People write phones with points or blanks
# in groups of three, too: these are thousands only before decimals, and the blanks that do not break lines only without a plus.
_AS_NUMBER = re.compile(
    r"[+-]?(?:\d+[.,]0{1,2}|(?!\d{3}[.,]0{4}$)[1-9]\d*[.,]0{3,})"
    r"|[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
    r"|-?[1-9]\d{0,2}(?:(?:[\xa0\u202f]\d{3})+|(?:['\u2019]\d{3})+)(?:[.,]\d+)?"
    r"|[+-]?[1-9]\d{0,2}(?:(?:\.\d{3})+|(?:[ \xa0\u202f]\d{3})+),\d+",
    re.ASCII,
)
_DAY_OF_MONTH = re.compile(r"\d{1,2}[-./ ]{1,2}([^\W\d_]{3,9})\.?(?:[-./ ]\d{2,4})?")
_MONTH_OF_YEAR = re.compile(r"([^\W\d_]{3,9})\.?[-./ ]\d\d")

_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d{1,6}(?:[.,]\d+)?", re.ASCII)
_THREE_NUMBERS = re.compile(r"(\d{1,4})([-./ ]) ?(\d{1,2})\2 ?(\d{1,4})\.?", re.ASCII)
_YEAR = re.compile(r"(?:18|19|20|21)\d\d", re.ASCII)
_MIDNIGHT = re.compile(r"[T ]+(?:00?:00(?::00(?:[.,]0+)?)?(?: ?Z|[+-]\d\d:?\d\d)?|12:00(?::00)? ?AM)", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}:[0-5]\d(?::[0-5]\d)?(?: ?[AP]M)?", re.ASCII | re.IGNORECASE)
_CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")

_WITH_COMMA = re.compile(r"-?\d+,\d+", re.ASCII)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?", re.ASCII)


class CellFault(ValueError):
    """A cell that must not be read as it is. The message is the end of a sentence about it."""


class DateOrder(StrEnum):
    """The order of day, month and year in dates that are not written YYYY-MM-DD."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


_ORDERS = {
    DateOrder.DMY: gettext_lazy("is not a date in the order day, month, year"),
    DateOrder.MDY: gettext_lazy("is not a date in the order month, day, year"),
    DateOrder.YMD: gettext_lazy("is not a date in the order year, month, day"),
}


@dataclass(frozen=True)
class CellReader:
    """Reads the cells of a table by what their column holds; what comes of them is for the rules of the column.

    Without a `date_order` dates are read only as YYYY-MM-DD, even where no other order is possible. `decimal_comma` tells
    whether numbers have a comma before their decimals. All methods raise CellFault.
    """

    date_order: DateOrder | None = None
    decimal_comma: bool = False

    def text(self, cell: str) -> str:
        """Return the text of a cell, to the character."""
        if found := _QUOTED_FORMULA.fullmatch(cell):
            cell = found[1]
        if _ERROR_VALUE.fullmatch(cell.strip()):
            raise CellFault(
                _("is an error of a spreadsheet, or was too wide for its column: mend it there and save the table again")
            )
        return cell

    def code(self, cell: str) -> str:
        """Return a code, such as a postal code: digits that are no number."""
        cell = self.phone(cell)
        bare = cell.strip()
        if _CLOCK.fullmatch(bare) or _is_written_day(_date_and_clock(bare)[0]):
            raise CellFault(
                _(
                    "is a date or a time that a spreadsheet has made of a code: "
                    "format the column as text, enter the value again and save the table again"
                )
            )
        return cell

    def phone(self, cell: str) -> str:
        """Return a phone, or another code that may be written as days and times are, in numbers with points or hyphens."""
        cell = self._unguarded(cell)
        bare = cell.strip()
        if _SCIENTIFIC.fullmatch(bare):
            raise CellFault(
                _(
                    "is a number in scientific notation, whose last digits are lost: "
                    "format the column as text, enter the value again and save the table again"
                )
            )
        if _AS_NUMBER.fullmatch(bare):
            raise CellFault(
                _(
                    "is written as a number, with decimals or thousands: "
                    "format the column as text, enter the value again and save the table again"
                )
            )
        if _is_date(bare):
            raise CellFault(
                _(
                    "is a date that a spreadsheet has made of a code: "
                    "format the column as text, enter the value again and save the table again"
                )
            )
        return cell

    def day(self, cell: str) -> str:
        """Return a day as YYYY-MM-DD; a time of midnight behind it means nothing."""
        bare = self._unguarded(cell).strip()
        day, clock = _date_and_clock(bare)
        if clock and not _MIDNIGHT.fullmatch(clock):
            return bare
        return day if _ISO_DAY.fullmatch(day) else self._day(day)

    def moment(self, cell: str) -> str:
        """Return a day, or a day and a time of day, as ISO 8601 writes them."""
        bare = self._unguarded(cell).strip()
        day, clock = _date_and_clock(bare)
        if _ISO_DAY.fullmatch(day):
            return bare
        return f"{self._day(day)}T{_clock(clock.strip(' T'))}" if clock else self._day(day)

    def number(self, cell: str) -> str:
        """Return a number with a point before its decimals."""
        bare = self._unguarded(cell).strip()
        if not self.decimal_comma:
            if _WITH_COMMA.fullmatch(bare):
                raise CellFault(_("has a comma, which is read as a decimal comma only where semicolons separate the cells"))
            return bare
        if _THOUSANDS.fullmatch(bare) and "." in bare:
            raise CellFault(_("has a point that may be one of thousands: write the number without it"))
        return bare.replace(",", ".") if _WITH_COMMA.fullmatch(bare) else bare

    def _unguarded(self, cell: str) -> str:
        """Return a cell that is no text without the apostrophe that made it one for a spreadsheet."""
        if len(cell.strip().splitlines()) > 1:
            raise CellFault(_("has more than one line: a quote may be missing at its end"))
        return self.text(cell).removeprefix("'")

    def _day(self, text: str) -> str:
        """Return the day that three numbers in the order of the table name."""
        if _PLAIN_NUMBER.fullmatch(text):
            raise CellFault(_("is a number, not a date: format the column as a date, YYYY-MM-DD, and save the table again"))
        found = _THREE_NUMBERS.fullmatch(text)
        if not found:
            raise CellFault(_("is not a date: write it as YYYY-MM-DD"))
        parts = (found[1], found[3], found[4])
        if not any(len(part) == 4 for part in parts):
            raise CellFault(_("has a year of two digits: write the date as YYYY-MM-DD"))
        if self.date_order is None:
            raise CellFault(_("is not of the form YYYY-MM-DD: name the order of day, month and year"))
        numbers = dict(zip(self.date_order, parts, strict=True))
        try:
            if len(numbers["y"]) != 4:
                raise ValueError("The year is in another place")
            return datetime.date(int(numbers["y"]), int(numbers["m"]), int(numbers["d"])).isoformat()
        except ValueError as error:
            raise CellFault(str(_ORDERS[self.date_order])) from error


def _date_and_clock(text: str) -> tuple[str, str]:
    """Return the parts of a cell before and from the blank or T at which a time of day begins; the second may be ""."""
    found = re.search(r"[T ] ?\d{1,2}:", text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


def _is_written_day(text: str) -> bool:
    """Tell whether `text` is a day of these times in numbers, with a year of four digits, in any order."""
    found = _THREE_NUMBERS.fullmatch(text)
    if not found or found[2] == " ":
        return False
    first, middle, last = found[1], found[3], found[4]
    orders = ((first, middle, last), (last, middle, first), (last, first, middle))
    return any(_YEAR.fullmatch(year) and _exists(int(year), int(month), int(day)) for year, month, day in orders)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        return bool(datetime.date(year, month, day))
    except ValueError:
        return False


def _clock(text: str) -> str:
    for form in _CLOCKS:
        try:
            return datetime.datetime.strptime(text, form).time().isoformat()
        except ValueError:
            continue
    raise CellFault(_("is not a date and a time of day: write them as YYYY-MM-DDThh:mm:ss"))


def _is_date(text: str) -> bool:
    """Tell whether a spreadsheet shows a date in this way: 1-Mar, 1. Mrz 21, Mar-21. It has no month in capitals."""
    found = _DAY_OF_MONTH.fullmatch(text) or _MONTH_OF_YEAR.fullmatch(text)
    if not found or found[1].isupper():
        return False
    try:
        return bool(month_named(fold(found[1])))
    except ValueError:
        return False
