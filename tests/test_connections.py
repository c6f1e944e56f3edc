"""What connections to the database are given."""

import datetime

from django.db import connection

from accounts.models import Role, User


def test_a_moment_at_a_whole_second_is_not_before_itself(clinic):
    """SQLite compares moments as text, and Django leaves out a fraction that is zero."""
    whole = datetime.datetime(2026, 11, 30, 9, 15, tzinfo=datetime.UTC)
    with connection.cursor() as cursor:
        # As the clock of the database writes it.
        written = "2026-11-30 09:15:00.000000" + ("+00:00" if connection.vendor == "postgresql" else "")
        cursor.execute("UPDATE accounts_user SET last_logout = %s WHERE id = %s", [written, clinic.users[Role.HC_ADMIN].pk])
    rows = User.objects.filter(organization=clinic.organization)
    assert not rows.filter(last_logout__gt=whole).exists()
    assert rows.filter(last_logout__gte=whole).exists()
    User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(last_logout=whole)
    assert rows.get(last_logout=whole).last_logout == whole
