"""Model fields of clinical values: codings, and the days of a plan."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

# How many codings a list may hold, and how long the parts of one may be.
MAX_CODINGS, CODE_LENGTH, DISPLAY_LENGTH = 50, 64, 255
# The last day of a plan: ten years after its beginning.
MAX_DAY = 3_650


class CodeSystem(models.TextChoices):
    """The terminology that a concept's code is taken from: a public one, or the catalog's own words."""

    SNOMED_CT = "snomed_ct", "SNOMED CT"
    RXNORM = "rxnorm", "RxNorm"
    ICD_10 = "icd_10", "ICD-10"
    LOINC = "loinc", "LOINC"
    LOCAL = "local", "This catalog's own"


validate_code = RegexValidator(r"\A\S+\Z", "A code holds no blanks.", code="code")
validate_line = RegexValidator(r"\A\S+( \S+)*\Z", "This must be one line of words with a single blank between.", code="line")
# Checks the form of a SNOMED CT identifier, not whether the concept exists.
validate_snomed = RegexValidator(r"\A[0-9]{6,18}\Z", "A SNOMED CT identifier has 6 to 18 digits.")


def validate_coding(coding: Any) -> None:
    """Raise ValidationError unless `coding` is `{"system", "code", "display"}` with a known system."""
    if not isinstance(coding, dict) or coding.keys() != {"system", "code", "display"}:
        raise ValidationError("A coding has a system, a code and a display.", code="coding")
    if not all(isinstance(text, str) and text for text in coding.values()):
        raise ValidationError("The parts of a coding are texts, none of them empty.", code="coding")
    if coding["system"] not in CodeSystem.values:
        raise ValidationError(f"The system of a coding is one of {', '.join(CodeSystem.values)}.", code="system")
    if len(coding["code"]) > CODE_LENGTH or len(coding["display"]) > DISPLAY_LENGTH:
        raise ValidationError(
            f"A code has at most {CODE_LENGTH} characters, and its display {DISPLAY_LENGTH}.", code="max_length"
        )
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
            raise ValidationError(f"This must be a list of at most {MAX_CODINGS} codings.", code="codings")
        for coding in value:
            validate_coding(coding)
        if has_duplicates(value):
            raise ValidationError("No code may stand in the list twice.", code="duplicate")


def validate_days(days: list[int]) -> None:
    """Raise ValidationError unless `days` is a list of different day numbers, counted from 0."""
    if not isinstance(days, list) or not all(type(day) is int and 0 <= day <= MAX_DAY for day in days):
        raise ValidationError(f"This must be a list of whole numbers from 0 to {MAX_DAY}.", code="days")
    if len(set(days)) != len(days):
        raise ValidationError("No day may stand in the list twice.", code="duplicate")


class DayListField(models.JSONField):
    """A list of different days, counted from a beginning, which is day 0."""

    default_validators = [validate_days]
