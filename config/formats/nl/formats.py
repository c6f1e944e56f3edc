"""Days as "30 nov 2026" and times as "09:42", as in English: no number is mistaken for a month."""

DATE_FORMAT = "j b Y"
SHORT_DATE_FORMAT = DATE_FORMAT
TIME_FORMAT = "H:i"
DATETIME_FORMAT = f"{DATE_FORMAT}, {TIME_FORMAT}"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
MONTH_DAY_FORMAT = "j b"
# With the day of the week; no names of Django's.
WEEKDAY_FORMAT = "D j b"
WEEKDAY_DATE_FORMAT = "D j b Y"
