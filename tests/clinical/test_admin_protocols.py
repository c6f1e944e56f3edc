"""The page of a protocol in the admin: rows in, the same JSON as other doors out, sentences, and the trial."""

import pytest

from accounts.models import Role
from patients.models import Protocol
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.pages import sign_in, submit

EVERY = [HEAVY, OVER_100, BOTH, MEAN, LATE, REMARK]


@pytest.fixture
def client(ward, clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def inputs_of(key: str, rule: dict, name: str = "rules") -> dict[str, object]:
    """Return what a browser sends of a rule or a line."""
    prefix, sent = f"{name}-{key}", {}
    for part, value in rule.items():
        if part == "all":
            sent[f"{prefix}-all"] = [str(place) for place in range(len(value))]
            for place, condition in enumerate(value):
                sent |= inputs_of(str(place), condition, f"{prefix}-all")
        else:
            sent[f"{prefix}-{part}"] = str(value)
    return sent


def save(client, ward, *rules: dict, schedule=(), keys=None, **changes):
    """Send the form of the ward's protocol with these rows."""
    keys = keys or [str(place) for place in range(len(rules))]
    sent = {"rules": keys, "schedule": [str(place) for place in range(len(schedule))]}
    for key, rule in zip(keys, rules, strict=True):
        sent |= inputs_of(key, rule)
    for place, line in enumerate(schedule):
        sent |= inputs_of(str(place), line, "schedule")
    return submit(client, Protocol, ward.protocol.pk, **sent, **changes)


def test_every_kind_of_rule_is_saved_as_other_doors_write_it(client, ward):
    answer = save(client, ward, *EVERY, schedule=[DAILY])
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    protocol = ward.protocol
    assert (protocol.rules, protocol.schedule, protocol.version) == (EVERY, [DAILY], 2)
