"""Which passwords are refused: those that a list and a few rules produce, however they are put together."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.models import Role, User
from accounts.services.users import NewPassword, create_user, update_user
from config.core.exceptions import Invalid
from tests.factories import SYSTEM
from tests.pages import sign_in, submit

GOOD = "correct horse battery"

PREDICTABLE = [
    # Too short, and one of the list.
    *("k7#xQ2v!mZ4", "international"),
    # One character, and blocks of them.
    *(
        "aaaaaaaaaaaa",
        "111111111111",
        "aaaaaabbbbbb",
        "111222333444",
        "aabbccddeeff",
        "aaabbbcccdddeeefff",
        "a1b2c3d4e5f6",
        "1q2w3e4r5t6y7u",
        "!!!!!!!!!!!!",
        "a" * 500,
    ),
    # Sequences, forwards, backwards and in steps of two.
    *("123456789012", "098765432109", "abcdefghijkl", "zyxwvutsrqpo", "ABCDEFGHIJKL", "0123456789abc", "24681357 2468"),
    # Repeats of something short, mirrored ones too.
    *("abcdefabcdef", "123123123123", "ab12ab12ab12", "k7#xk7#xk7#xk7#x", "xyz789xyz789", "drowssapdrowssap", "abcddcbaabcd"),
    # Keys that lie side by side, on several keyboards.
    *(
        "qwertyuiopas",
        "poiuytrewqlk",
        "asdfghjklasd",
        "1qaz2wsx3edc",
        "azertyuiopqs",
        "qwertzuiopyx",
        "!@#$%^&*()_+",
        "zxcvbnmzxcvbnm",
    ),
    # A common password: twice, padded, spelled with other signs, beside another one, backwards.
    *("passwordpassword", "password1234", "Password2024!", "P@ssw0rd1234", "Welcome2026!!", "summer1998summer"),
    *(
        "sunshinedragon",
        "letmein-letmein",
        "  password  ",
        "password!!!!!!!!",
        "PASSWORD----",
        "drowssap12345",
        "pässwördpässwörd",
    ),
]
OF_THE_PERSON = [
    *("Quincy-Lovelace", "quincylovelace1", "lovelace19801231", "LovelaceQuincy!", "ecalevolycniuq", "Lövelace2024!"),
    *("Wexborough-2026!", "infirmary wexborough", "quincy@hill.test", "quincy@zuid-oost", "anamnesis2026", "Anamnesis-Anamnesis"),
]
UNPREDICTABLE = [
    *(GOOD, "tr0ub4dor&3-mossy", "mossy gutter", "kx0fhw83nqpl", "1b0411e1c58b652060eb", "日本語のながいぱすわーどです"),
    *("Vijf fietsen in de sloot", "quincy kx0fhw83nqpl", "k7#xQ2v!mZ4p"),
]


@pytest.fixture
def person(clinic) -> User:
    clinic.organization.name, clinic.organization.slug = "Wexborough Infirmary", "zuid-oost"
    return User(
        email="quincy.l@hill.test",
        first_name="Quincy",
        last_name="Lovelace",
        role=Role.HC_PRIMARY,
        organization=clinic.organization,
    )


@pytest.mark.parametrize("password", PREDICTABLE)
def test_a_predictable_password_is_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize("password", OF_THE_PERSON)
def test_a_password_made_of_what_is_known_of_its_person_is_refused(person, password):
    with pytest.raises(ValidationError):
        validate_password(password, person)


@pytest.mark.parametrize("password", UNPREDICTABLE)
def test_a_password_that_no_rule_produces_is_accepted(person, password):
    validate_password(password, person)


def test_a_person_without_names_and_organization_is_checked_too():
    with pytest.raises(ValidationError):
        validate_password("nobody-nobody", User(email="nobody@hill.test", role=Role.FC_ADMIN))
    validate_password(GOOD, User(role=Role.FC_ADMIN))


# --- every door -------------------------------------------------------------------------------------

WEAK = ["short", "passwordpassword", "Lovelace-2026", "valley valley"]


@pytest.mark.parametrize("password", WEAK)
def test_the_services_refuse_a_weak_password_and_write_nothing(clinic, password):
    values = {"email": "l@hill.test", "role": Role.HC_PRIMARY, "organization": clinic.organization, "last_name": "Lovelace"}
    with pytest.raises(Invalid) as caught:
        create_user(actor=SYSTEM, password=NewPassword.hashed(password), **values)
    assert set(caught.value.errors) == {"password"}
    assert not User.objects.filter(email="l@hill.test").exists()

    user = create_user(actor=SYSTEM, password=NewPassword.hashed(GOOD), **values)
    with pytest.raises(Invalid):
        update_user(actor=SYSTEM, user=user, changes={"first_name": "Ada"}, password=NewPassword.hashed(password))
    user.refresh_from_db()
    assert (user.first_name, user.check_password(GOOD)) == ("", True)


def test_a_new_name_counts_for_the_password_that_comes_with_it(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    with pytest.raises(Invalid):
        update_user(actor=SYSTEM, user=user, changes={"last_name": "Lovelace"}, password=NewPassword.hashed("Lovelace-2026"))


@pytest.mark.parametrize("password", WEAK)
def test_the_admin_refuses_a_weak_password_at_its_field(clinic, password):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    values = {"email": "new@hill.test", "role": Role.HC_PRIMARY, "last_name": "Lovelace", "password": password}
    answer = submit(client, User, **values)
    assert set(answer.context["adminform"].form.errors) == {"password"}
    assert not User.objects.filter(email_key="new@hill.test").exists()

    user = clinic.users[Role.HC_PRIMARY]
    answer = submit(client, User, user.pk, last_name="Lovelace", password=password)
    assert set(answer.context["adminform"].form.errors) == {"password"}


@pytest.mark.parametrize("password", WEAK[:2])
def test_nobody_gives_themselves_a_weak_password(clinic, password):
    user = clinic.users[Role.HC_PRIMARY]
    user.set_password(GOOD)
    user.save()
    sent = {"old_password": GOOD, "new_password1": password, "new_password2": password}
    answer = sign_in(user).post("/admin/password_change/", sent)
    assert set(answer.context["form"].errors) == {"new_password2"}
    user.refresh_from_db()
    assert user.check_password(GOOD)


def test_the_command_that_changes_passwords_refuses_a_weak_one(clinic, monkeypatch):
    user = clinic.users[Role.HC_PRIMARY]
    monkeypatch.setattr("getpass.getpass", lambda prompt: "passwordpassword")
    with pytest.raises(CommandError, match="too easy to guess"):
        call_command("changepassword", user.email)
    user.refresh_from_db()
    assert not user.check_password("passwordpassword")
