"""Days as "30 Nov 2026" and times as "09:42", whichever country reads them: no number is mistaken for a month."""

DATE_FORMAT = "j M Y"
SHORT_DATE_FORMAT = DATE_FORMAT
TIME_FORMAT = "H:i"
DATETIME_FORMAT = f"{DATE_FORMAT}, {TIME_FORMAT}"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
MONTH_DAY_FORMAT = "j M"
# With the day of the week; no names of Django's.
WEEKDAY_FORMAT = "D j M"
WEEKDAY_DATE_FORMAT = "D j M Y"
