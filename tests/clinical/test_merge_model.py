"""Random pairs of records with full charts, merged, written to by random doors, and unmerged: nothing lost, nothing doubled.

The seed is fixed, so that a run repeats itself. MERGED_PAIRS says how many pairs are tried; the long run, on each database:

    MERGED_PAIRS=500 pytest -n 2 tests/clinical/test_merge_model.py
"""

import os
from random import Random
from typing import Any

import pytest
from django.db import transaction

from clinical.models import Alert, Allergy, Medication, SocialHistory
from patients.models import ChartEntry, Patient, PatientTag, ReferralAttribution, SearchEntry
from tests.clinical.merging import (
    Pools,
    Rows,
    derived,
    differing,
    fill_at_random,
    left_behind,
    merge,
    random_patient,
    references,
    stored,
    unmerge,
)
from tests.totals import counted, kept

PAIRS = int(os.environ.get("MERGED_PAIRS", "6"))
# Pairs a test: what they leave behind in its transaction slows the database down.
A_PART = 6


CHOSEN = ["account_name", "address", "chart_number", "email", "field_values", "first_name", "social_security_number", "balances"]


def searched(model: type[Patient | SearchEntry]) -> set[tuple]:
    return set(model.objects.values_list("id", "search_text", "deleted_at"))


def write_at_random(rng: Random, clinic, client, survivor: Patient) -> None:
    """Change, archive and add entries of the survivor's chart, wherever they come from, and the survivor, through the API."""
    base = f"{clinic.base}/patients/{survivor.uuid}"
    survivor.refresh_from_db()
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", base, {"base_version": survivor.version, rng.choice(["email", "city"]): "new@example.test"}),
        ("POST", f"{base}/medications", {"med_descript": "New"}),
        ("POST", f"{base}/communication-logs", {"communication_datetime": "2031-01-01T00:00:00Z"}),
        ("POST", f"{base}/vital-signs", {"date_taken": "2024-05-05", "pulse": 80}),
    ]
    changes: dict[str, tuple[type[ChartEntry], dict[str, Any]]] = {
        "alerts": (Alert, {"note": "New"}),
        "allergies": (Allergy, {"reaction": "New"}),
        "medications": (Medication, {"dosage": "2"}),
        "referral-attributions": (ReferralAttribution, {"source_note": "New"}),
    }
    for name, (model, values) in changes.items():
        for entry in model._base_manager.filter(patient=survivor).order_by("-pk")[:2]:
            writes.append(("PATCH", f"{base}/{name}/{entry.uuid}", {"base_version": entry.version, **values}))
    archived = {"social-history": SocialHistory, "tags": PatientTag, "allergies": Allergy}
    for name, model in archived.items():
        for entry in model._base_manager.filter(patient=survivor, deleted_at=None).order_by("-pk")[:1]:
            writes.append(("POST", f"{base}/{name}/{entry.uuid}/archive", {}))
    for method, path, body in rng.sample(writes, min(5, len(writes))):
        # Two writes may be about the same entry: the second then has a stale version.
        assert client(method, path, body).status_code in (200, 201, 404, 409), (method, path)


def check_merged(before: Rows, merged: Rows, survivor: Patient, other: Patient) -> None:
    assert merged.keys() == before.keys(), "nothing lost, nothing doubled"
    assert left_behind(merged, survivor, other) == []
    assert derived(merged, ("patients.Patient", survivor.pk)).items() <= merged["patients.Patient", survivor.pk].items()
    # Nobody else's rows have changed but where they refer to the record.
    for key, changed in differing(before, merged).items():
        named = {*references(before[key]).values(), key[1] if key[0] == "patients.Patient" else None}
        assert named & {survivor.pk, other.pk}, (key, changed)


def check_unmerged(before: Rows, merged: Rows, written: Rows, after: Rows) -> None:
    """Compare with what was there before the merge: the same, but for what was written since."""
    since = differing(merged, written)
    assert after.keys() == written.keys()
    for key, row in before.items():
        changed = {name: value for name, value in since.get(key, {}).items() if name not in references(row)}
        assert after[key] == {**row, **changed, **derived(after, key)}, key
    for key in written.keys() - before.keys():
        assert after[key] == written[key], "what was added since stays as it is"


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(-(-PAIRS // A_PART)))
def test_random_pairs_are_merged_and_unmerged(clinic, api, part):
    pools, client = Pools(clinic), api()
    for number in range(A_PART):
        rng = Random(part * A_PART + number)
        with transaction.atomic():
            survivor, other, *related = (random_patient(pools, rng) for _ in range(4))
            if rng.random() < 0.5:
                Patient._base_manager.filter(pk=related[0].pk).update(responsible_party=other)
                Patient._base_manager.filter(pk=survivor.pk).update(responsible_party=rng.choice([other, related[1]]))
            for patient, counterpart in ((survivor, other), (other, survivor)):
                fill_at_random(pools, rng, patient, [*related, counterpart])
            before = stored(clinic)

            merge(survivor, other, **{name: rng.choice(["survivor", "other"]) for name in rng.sample(CHOSEN, 4)})
            merged = stored(clinic)
            check_merged(before, merged, survivor, other)

            write_at_random(rng, clinic, client, survivor)
            written = stored(clinic)

            # The survivor goes into a third record and comes back: a merge that is undone leaves nothing.
            if rng.random() < 0.3:
                fill_at_random(pools, rng, related[1], [survivor])
                written = stored(clinic)
                merge(related[1], survivor)
                unmerge(survivor)
                assert stored(clinic) == written

            unmerge(other)
            check_unmerged(before, merged, written, stored(clinic))
            assert kept() == counted()
            assert searched(SearchEntry) == searched(Patient)
            transaction.set_rollback(True)
