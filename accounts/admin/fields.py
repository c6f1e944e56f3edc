"""Form fields for days and moments as people write them, on the clock of the organization.

The clock is the current time zone of Django, which the admin sets to that of the user's organization. Which number of
11/12/2026 is the month depends on the `country` of the field: `LocalForm` sets it.
"""

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import get_default_renderer
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.orm import validate_visible
from config.core.written_dates import MONTH_FIRST, moments_at, read_clock, read_day, read_day_near, written_day, zone_name

# Years before this are slips: nothing of a living person's record is that old.
EARLIEST = datetime.date(1850, 1, 1)


def country_of(user: Any) -> str:
    """Return the country whose way of writing days `user` knows (ISO 3166-1), "" for a superadmin."""
    organization = user.organization
    return organization.country if organization else ""


class DayInput(forms.TextInput):
    """A text input for a day, which shows a stored one as pages do."""

    def __init__(self, attrs: dict[str, Any] | None = None):
        super().__init__({"autocomplete": "off", "size": 12, "placeholder": gettext_lazy("30 Nov 2026"), **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        return written_day(value) if isinstance(value, datetime.date) else value


class ClockInput(forms.TextInput):
    """A text input for a time of day."""

    def __init__(self, attrs: dict[str, Any] | None = None):
        super().__init__({"autocomplete": "off", "size": 6, "placeholder": "09:42", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        return f"{value:%H:%M}" if isinstance(value, datetime.time) else value


class LocalDateField(forms.Field):
    """A day as people write it: 30 Nov 2026, 2026-11-30, and 11/30/2026 or 30-11-2026 as is usual in the `country`.

    "Tomorrow", and a day without a year, are those next to today. Of a day in the `past`, such as a date of birth, the year
    may have two digits.
    """

    widget = DayInput
    default_error_messages = {
        "invalid": gettext_lazy("Enter a day such as 30 Nov 2026 or {figures}."),
        "early": gettext_lazy("This day lies too far back."),
    }

    def __init__(self, *, country: str = "", past: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.country, self.past = country, past

    def to_python(self, value: Any) -> datetime.date | None:
        if value in self.empty_values or isinstance(value, datetime.date):
            return value or None
        today = timezone.localdate()
        try:
            day = read_day(value, self.country, today) if self.past else read_day_near(value, today, self.country)
        except ValueError as error:
            figures = "11/30/2026" if self.country in MONTH_FIRST else "30-11-2026"
            raise ValidationError(self.error_messages["invalid"].format(figures=figures), code="invalid") from error
        if day < EARLIEST:
            raise ValidationError(self.error_messages["early"], code="early")
        return day


class LocalTimeField(forms.Field):
    """A time of day as people write it: 9:42, 0942, 9.42, 9:42 pm."""

    widget = ClockInput
    default_error_messages = {"invalid": gettext_lazy("Enter a time such as 09:42.")}

    def to_python(self, value: Any) -> datetime.time | None:
        if value in self.empty_values or isinstance(value, datetime.time):
            return value or None
        try:
            return read_clock(value)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentWidget(forms.MultiWidget):
    """A day and a time of day with the name of the zone, and which of two moments is meant where clocks are set back."""

    template_name = "admin/widgets/moment.html"
    use_fieldset = False

    def __init__(self, attrs: dict[str, Any] | None = None):
        self.country = ""
        super().__init__({"": DayInput(), "time": ClockInput(), "which": forms.Select()}, attrs)

    def decompress(self, value: Any) -> list[Any]:
        if not isinstance(value, datetime.datetime):
            return [value, None, None]
        local = timezone.localtime(value)
        return [local.date(), local.time(), str(local.fold)]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        values = value if isinstance(value, list) else self.decompress(value)
        moments = _moments(values, self.country)
        here = timezone.get_current_timezone()
        either: Any = self.widgets[2]
        either.choices = [("", _("Which of the two?"))] + [
            (str(moment.fold), words % {"zone": zone_name(here, moment)})
            for words, moment in zip((_("the first, %(zone)s"), _("the second, %(zone)s")), moments, strict=False)
        ]
        context = super().get_context(name, values, attrs)
        day, clock, which = context["widget"]["subwidgets"]
        clock["attrs"]["aria-label"] = _("Time")
        which["attrs"]["aria-label"] = _("Which of the two")
        zone = zone_name(here, moments[0] if moments else None)
        context["widget"] |= {"day": day, "clock": clock, "which": which if len(moments) > 1 else None, "zone": zone}
        return context

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else id_

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        parts, renderer = self.get_context(name, value, attrs)["widget"], renderer or get_default_renderer()
        shown = {part: parts[part] for part in ("day", "clock", "which") if parts[part]}
        inputs = {part: mark_safe(renderer.render(one["template_name"], {"widget": one})) for part, one in shown.items()}  # noqa: S308
        return render_to_string(self.template_name, {**inputs, "zone": parts["zone"]})


class LocalDateTimeField(forms.Field):
    """A day and a time of day on the organization's clock, as a moment in UTC; inputs `name`, `name_time`, `name_which`.

    A time that the clock skips is refused. Where it comes twice, the field asks which of the two is meant.
    """

    widget: Any = MomentWidget
    default_error_messages = {
        "day": gettext_lazy("Enter the day too."),
        "time": gettext_lazy("Enter the time too."),
        "skipped": gettext_lazy("Clocks are set forward that night: {clock} does not come on {day}."),
        "twice": gettext_lazy("Clocks are set back that night: {clock} comes twice. Choose which."),
    }

    def __init__(self, *, country: str = "", **kwargs):
        super().__init__(**kwargs)
        self.country = country

    @property
    def country(self) -> str:
        """ISO 3166-1, "" where it is not known."""
        return self.widget.country

    @country.setter
    def country(self, country: str) -> None:
        self.widget.country = country

    def to_python(self, value: Any) -> datetime.datetime | None:
        if value is None or isinstance(value, datetime.datetime):
            return value
        day_text, clock_text, which = (text or "" for text in value)
        if not day_text and not clock_text:
            return None
        for name, text in (("day", day_text), ("time", clock_text)):
            if not text:
                raise ValidationError(self.error_messages[name], code=name)
        return self._moment(LocalDateField(country=self.country).clean(day_text), LocalTimeField().clean(clock_text), which)

    def _moment(self, day: Any, clock: Any, which: str) -> datetime.datetime:
        moments = moments_at(day, clock, timezone.get_current_timezone())
        chosen = next((moment for moment in moments if len(moments) == 1 or str(moment.fold) == which), None)
        if chosen is None:
            code = "twice" if moments else "skipped"
            message = self.error_messages[code].format(clock=f"{clock:%H:%M}", day=written_day(day))
            raise ValidationError(message, code=code)
        # In UTC, as Python finds no two moments equal if one is of a zone that has this local time twice.
        return chosen.astimezone(datetime.UTC)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether another minute was entered: inputs show no seconds."""
        try:
            moment = self.to_python(data)
        except ValidationError:
            return True
        if initial is None or moment is None:
            return initial is not moment
        return initial.replace(second=0, microsecond=0) != moment


def _moments(values: list[Any], country: str) -> list[datetime.datetime]:
    """Return the moments that the inputs of a MomentWidget stand for; none where they cannot be read."""
    day, clock = values[:2]
    try:
        day = day if isinstance(day, datetime.date) else read_day_near(day or "", timezone.localdate(), country)
        clock = clock if isinstance(clock, datetime.time) else read_clock(clock or "")
    except ValueError:
        return []
    return moments_at(day, clock.replace(second=0, microsecond=0), timezone.get_current_timezone())


def require_visible_texts(form: forms.BaseForm) -> None:
    """Have the texts that `form` requires refused where nothing of them can be seen."""
    for field in form.fields.values():
        if isinstance(field, forms.CharField) and field.required:
            field.validators.append(validate_visible)


class LocalForm(forms.Form):
    """A form whose days are read as is usual in the organization's `country` (ISO 3166-1)."""

    def __init__(self, *args, country: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        require_visible_texts(self)
        for field in self.fields.values():
            if hasattr(field, "country"):
                field.country = country
