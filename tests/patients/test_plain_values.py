"""Values that are taken at a glance are those that the rules take: what is quick must not be another rule."""

import datetime

import phonenumbers
import pytest
from django.core.exceptions import ValidationError as ModelValidationError
from rest_framework.exceptions import ValidationError

from config.core.orm import _certainties, _plain_columns
from config.rest.fields import Text, _Verbatim
from patients import phones
from patients.models import Patient
from patients.practice.serializers import PracticeBulkRowIn
from patients.services.patient_values import new_columns
from tests.factories import SYSTEM

VALUES = [
    "Ada",
    "Zoë",
    "",
    " ",
    "\u00a0",
    "\u2800",
    "\u3164",
    "\u0301",
    "a\u0301",
    "\x00",
    "a\x00",
    "a\nb",
    "\ud800",
    "👩‍⚕️",
    "female",
    "active",
    "archived",
    "not an address",
    "ada@clinic.example",
    "x" * 16,
    "x" * 64,
    "x" * 65,
    "x" * 255,
    "x" * 256,
    "x" * 20_001,
    True,
    1,
    -1,
    10**12,
    1.5,
    datetime.date(2001, 2, 3),
    datetime.datetime(2001, 2, 3, tzinfo=datetime.UTC),
    ["x"],
    {"x": 1},
]
NUMBERS = [
    "+1 212 555 0123",
    "(212) 555-0123",
    "212.555.0123",
    "06 12345678",
    "06-12 34 56 78",
    "+31 (0)6 12345678",
    "(020) 624 1111",
    "020.624.1111",
    "+49 (0) 30 1234-567",
    "0049 30 123456",
    "011 31 6 12345678",
    "+ 31 6 12345678",
    "+39 06 1234 5678",
    "+54 9 11 2345-6789",
    "112",
    "000",
    "+000",
    "1-800-555-0199",
    ") 020 624 1111",
    "- 06 12345678",
    "(((",
    "12-",
]


def outcome(take, value):
    try:
        return take(value)
    except (ValidationError, ModelValidationError) as error:
        return type(error)


@pytest.mark.parametrize("name", [name for name, field in PracticeBulkRowIn().fields.items() if type(field) is Text])
def test_a_field_takes_at_a_glance_what_its_rules_take(name):
    field = PracticeBulkRowIn().fields[name]
    assert field._plain_length, "else the test tries nothing"
    for value in VALUES:
        by_rules = outcome(lambda data: _Verbatim.run_validation(field, data), value)
        assert outcome(field.run_validation, value) == by_rules, repr(value)[:40]


def test_a_text_with_a_rule_of_its_own_is_asked_each_time():
    def refuse(text):
        raise ValidationError("no")

    assert outcome(Text(validators=[refuse]).run_validation, "Ada") is ValidationError
    assert outcome(Text(min_length=4).run_validation, "Ada") is ValidationError
    assert Text(trim_whitespace=True).run_validation(" Ada ") == "Ada"


def test_a_column_takes_what_it_is_certain_to_take():
    certain = 0
    for name, is_certain in _certainties(Patient).items():
        for value in VALUES:
            if is_certain(value):
                certain += 1
                assert _plain_columns(Patient)[name].clean(value, None) == value, name
    assert certain > 100


@pytest.mark.parametrize("country", ["US", "NL", "DE", "IT", "AR", ""])
def test_a_phone_number_is_the_same_without_its_punctuation(country):
    for text in NUMBERS:
        try:
            whole = phonenumbers.parse(text, country or None, keep_raw_input=True)
        except phonenumbers.NumberParseException:
            whole = None
        bare = phones._parse(text, country)
        for number in filter(None, (whole, bare)):
            number.raw_input = None
        assert bare == whole, text


def test_a_phone_number_alone_is_one_if_it_is_valid_or_plausible():
    for text in NUMBERS:
        if (number := phones._parse(text, "NL")) and phones._FIRST_NUMBER.fullmatch(text):
            taken = phonenumbers.is_valid_number(number) or phones._is_plausible(number)
            assert (phones.phone_of(text, "NL") == number) is taken, text


def test_the_columns_of_a_patient_need_no_database(clinic, django_assert_num_queries):
    values = {"first_name": "Ada", "last_name": "Lee", "social_security_number": "123-45-6789", "mobile_phone": "06 12345678"}
    organization = clinic.organization
    with django_assert_num_queries(0):
        columns = new_columns(actor=SYSTEM, organization=organization, values=values)
    assert columns["organization_id"] == organization.pk
