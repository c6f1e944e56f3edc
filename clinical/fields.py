"""Model fields of clinical values: codings, and the days of a plan."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# How many codings a list may hold, and how long the parts of one may be.
MAX_CODINGS, CODE_LENGTH, DISPLAY_LENGTH = 50, 64, 255
# The last day of a plan: ten years after its beginning.
MAX_DAY = 3_650


class CodeSystem(models.TextChoices):
    """The terminology that a concept's code is taken from: a public one, or the catalog's own words."""

    SNOMED_CT = "snomed_ct", _("SNOMED CT")
    RXNORM = "rxnorm", _("RxNorm")
    ICD_10 = "icd_10", _("ICD-10")
    LOINC = "loinc", _("LOINC")
    LOCAL = "local", _("This catalog's own")


validate_code = RegexValidator(r"\A\S+\Z", _("A code holds no blanks."), code="code")
validate_line = RegexValidator(r"\A\S+( \S+)*\Z", _("This must be one line of words with a single blank between."), code="line")
# Checks the form of a SNOMED CT identifier, not whether the concept exists.
validate_snomed = RegexValidator(r"\A[0-9]{6,18}\Z", _("A SNOMED CT identifier has 6 to 18 digits."))


def validate_coding(coding: Any) -> None:
    """Raise ValidationError unless `coding` is `{"system", "code", "display"}` with a known system."""
    if not isinstance(coding, dict) or coding.keys() != {"system", "code", "display"}:
        raise ValidationError(gettext("A coding has a system, a code and a display."), code="coding")
    if not all(isinstance(text, str) and text for text in coding.values()):
        raise ValidationError(gettext("The parts of a coding are texts, none of them empty."), code="coding")
    if coding["system"] not in CodeSystem.values:
        message = gettext("The system of a coding is one of %(systems)s.") % {"systems": ", ".join(CodeSystem.values)}
        raise ValidationError(message, code="system")
    if len(coding["code"]) > CODE_LENGTH or len(coding["display"]) > DISPLAY_LENGTH:
        message = gettext("A code has at most %(code)s characters, and its display %(display)s.")
        raise ValidationError(message % {"code": CODE_LENGTH, "display": DISPLAY_LENGTH}, code="max_length")
    validate_code(coding["code"])
    validate_line(coding["display"])


def has_duplicates(codings: list[dict[str, str]]) -> bool:
    """Tell whether two codings have the same system and code."""
    return len({(coding["system"], coding["code"]) for coding in codings}) != len(codings)


class CodingListField(models.JSONField):
    """A list of different codings `{"system", "code", "display"}`, as in FHIR; may be empty."""

    def validate(self, value, model_instance):
        super().validate(value, model_instance)
        if not isinstance(value, list) or len(value) > MAX_CODINGS:
            message = gettext("This must be a list of at most %(most)s codings.") % {"most": MAX_CODINGS}
            raise ValidationError(message, code="codings")
        for coding in value:
            validate_coding(coding)
        if has_duplicates(value):
            raise ValidationError(gettext("No code may stand in the list twice."), code="duplicate")


def validate_days(days: list[int]) -> None:
    """Raise ValidationError unless `days` is a list of different day numbers, counted from 0."""
    if not isinstance(days, list) or not all(type(day) is int and 0 <= day <= MAX_DAY for day in days):
        message = gettext("This must be a list of whole numbers from 0 to %(last)s.") % {"last": MAX_DAY}
        raise ValidationError(message, code="days")
    if len(set(days)) != len(days):
        raise ValidationError(gettext("No day may stand in the list twice."), code="duplicate")


class DayListField(models.JSONField):
    """A list of different days, counted from a beginning, which is day 0."""

    default_validators = [validate_days]
