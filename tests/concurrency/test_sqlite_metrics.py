"""/metrics of a server of two processes, as an operator starts it: whichever is asked tells what both have counted."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.concurrency.servers import WholeServer, ask, manage
from tests.concurrency.test_sqlite_server import CLINIC, embedded  # noqa: F401 - a fixture

pytestmark = pytest.mark.served

TOKEN = "0123456789abcdef" * 3
CONNECTIONS, EACH = 24, 5


def scrape(server: WholeServer) -> str:
    with server.connected() as link:
        answer, content = ask(link, TOKEN, "GET", "/metrics")
        assert answer.status == 200
        return content.decode()


def total(text: str, route: str, status: str) -> float:
    labels = re.escape(f'{{method="GET",route="{route}",status="{status}"}}')
    found = re.search(rf"^anamnesis_request_seconds_count{labels} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_every_process_tells_what_all_have_counted(embedded, tmp_path):  # noqa: F811
    base, key = json.loads(manage(embedded, "shell", "-v", "0", "-c", CLINIC))
    server = WholeServer(embedded, workers=2, METRICS_TOKEN=TOKEN, TMPDIR=str(tmp_path))
    try:
        server.wait()

        def read(number: int) -> list[int]:
            with server.connected() as link:
                return [ask(link, key, "GET", f"{base}/patients")[0].status for _ in range(EACH)]

        with ThreadPoolExecutor(8) as pool:
            statuses = [status for found in pool.map(read, range(CONNECTIONS)) for status in found]
        assert statuses == [200] * CONNECTIONS * EACH

        texts = [scrape(server) for _ in range(6)]
        assert {total(text, "api/v1/<org_id>/patients", "2xx") for text in texts} == {CONNECTIONS * EACH}
        (directory,) = tmp_path.glob("anamnesis-metrics-*")
        counting = {int(file.stem.rpartition("_")[2]) for file in directory.glob("histogram_*.db")}
        assert len(counting) == 2
        assert os.stat(directory).st_mode & 0o077 == 0
        for series in ('audit_failures_total{kind="read"}', 'rate_limited_total{limit="user"}'):
            assert f"anamnesis_{series} 0.0" in texts[-1].splitlines()
        assert key.split("_")[1] not in texts[-1]
        assert base.rpartition("/")[2] not in texts[-1]
    finally:
        server.stop()
    assert not directory.exists()
