"""A worker on SQLite that is killed at any moment loses no event."""

import pytest

from tests.concurrency.servers import manage
from tests.concurrency.webhook_kills import loses_nothing

pytestmark = pytest.mark.served


def test_a_worker_that_is_killed_fifty_times_loses_nothing_and_keeps_the_order(tmp_path):
    url = f"sqlite:///{tmp_path / 'clinic.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0")
    loses_nothing(url, kills=50)
