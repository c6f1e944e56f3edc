"""The first steps in README.md, one after the other, as they stand there."""

from accounts.models import Role
from tests.shell_calls import SERVER, calls, send

# What each call answers, and then again.
STATUSES = [(200, 200), (201, 201), (422, 422), (409, 409), (200, 409), (200, 200), (200, 200), (200, 200), (200, 200)]


def test_the_calls_do_what_is_said_of_them(clinic):
    for _ in range(6):
        clinic.patient(last_name="Sørensen")
    known = {"SERVER": SERVER, "ORG": str(clinic.organization.uuid), "KEY": clinic.keys[Role.HC_ADMIN]}
    answers = []
    for call in calls("README.md"):
        first, again = (send(call, known) for _ in range(2))
        answers.append((first.status_code, again.status_code))
        told = first.json()
        if first.status_code == 201:
            known["PATIENT"] = told["id"]
        elif "page_info" in told:
            known["CURSOR"] = told["page_info"]["end_cursor"]
    assert answers == STATUSES
