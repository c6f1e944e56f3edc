"""docs/integrators.md and docs/operators.md: every call and every command on them, as it stands there."""

import io
import re
import shlex

import pytest
from django.core.management import call_command, get_commands, load_command_class

from accounts.models import Role
from tests.shell_calls import SERVER, calls, read, send, status_of

COMMAND = re.compile(r"manage\.py (\w+)([^#\n]*)")
# These serve, ask a person, want somebody who lost something, or move the schema under the tests: only their options are read.
ONLY_READ = {"serve", "migrate", "createsuperuser", "changepassword", "reset_second_factor"}
# As in the guide, and long in the database of a test.
QUICK = {"reset_sandbox": ["--patients", "1"]}


def commands(document: str) -> list[tuple[str, list[str]]]:
    """Return each command of `document`, by name, with its arguments."""
    lines = [line for line in read(document).splitlines() if line.startswith("    ")]
    return [(found[1], shlex.split(found[2])) for line in lines if (found := COMMAND.search(line))]


def test_the_calls_of_integrators_answer_as_the_guide_says(clinic):
    known = {"SERVER": SERVER, "ORG": str(clinic.organization.uuid), "KEY": clinic.keys[Role.HC_ADMIN]}
    for call in calls("docs/integrators.md"):
        answer = send(call, known)
        assert answer.status_code == status_of(call), call
        if answer.status_code == 201:
            known["PATIENT"] = answer.json()["id"]
    assert "PATIENT" in known


@pytest.mark.parametrize(("name", "arguments"), dict(commands("docs/operators.md")).items())
def test_the_commands_of_operators_run(clinic, name, arguments):
    command = load_command_class(get_commands()[name], name)
    # Unknown options end in SystemExit or CommandError.
    options = vars(command.create_parser("manage.py", name).parse_args(arguments))
    if name in ONLY_READ:
        assert options
        return
    call_command(name, *arguments, *QUICK.get(name, []), stdout=io.StringIO(), stderr=io.StringIO())


def test_the_guide_of_operators_names_every_command_that_a_timer_or_an_operator_needs():
    named = {name for name, _ in commands("docs/operators.md")}
    ours = {name for name, app in get_commands().items() if app in ("accounts", "patients", "clinical", "exports")}
    elsewhere = {
        # For building and for the demo, or told in the README with the data that they import.
        "contracts", "demo", "create_api_key", "export", "import_patients", "import_synthea", "load_starter_catalog",
    }  # fmt: skip
    assert named >= ours - elsewhere
    assert elsewhere <= ours
