"""Files are for the server's own user only: those that are made, and those that are found open to others.

Each start is a process of its own, with the umask that most systems give: the mask holds for a whole process.
"""

import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.core import private_files

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def run(data: Path, *command: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `command` in Python with umask 022, on SQLite in `data`."""
    return subprocess.run(  # noqa: S603
        [sys.executable, *command],
        cwd=ROOT,
        env={**ENVIRONMENT, "DATA_DIR": str(data), **environment},
        umask=0o022,
        capture_output=True,
        text=True,
        check=True,
    )


def modes(directory: Path) -> dict[str, str]:
    """Return the mode of `directory`, as ".", and of everything in it."""
    paths = {".": directory, **{str(path.relative_to(directory)): path for path in directory.rglob("*")}}
    return {name: oct(stat.S_IMODE(path.stat().st_mode)) for name, path in paths.items()}


def warnings(ran: subprocess.CompletedProcess) -> list[tuple[str, str]]:
    """Return the event and the file of each warning that a process has logged."""
    lines = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    return [(line["event"], line["file"]) for line in lines if line["level"] == "warning"]


# What looks at the files of the database while it is open: -wal and -shm are gone once it is closed.
WRITE = """
import json
import config.wsgi
from django.conf import settings
from django.db import connection
from tests.test_private_files import modes
with connection.cursor() as cursor:
    cursor.execute("create table t (x)")
print(json.dumps(modes(settings.DATA_DIR)))
"""


def test_a_wsgi_server_makes_private_files(tmp_path):
    data = tmp_path / "new" / "data"
    seen = run(data, "-c", WRITE, DJANGO_SETTINGS_MODULE="config.settings")
    names = ["anamnesis.keys.json", "anamnesis.sqlite3", "anamnesis.sqlite3-shm", "anamnesis.sqlite3-wal"]
    assert json.loads(seen.stdout) == {".": "0o700", **dict.fromkeys(names, "0o600")}
    assert modes(data.parent)["."] == "0o700"
    assert warnings(seen) == []


# --- what is found ----------------------------------------------------------------------------------


def opened(data: Path) -> list[Path]:
    """Make a data directory as an older version left it, while its server runs. Return what is open to others."""
    data.mkdir()
    database = data / "anamnesis.sqlite3"
    beside = [database.with_name(f"{database.name}{suffix}") for suffix in ("", "-wal", "-shm")]
    files = [*beside, data / "anamnesis.keys.json"]
    for path in files:
        path.touch()
        path.chmod(0o644)
    data.chmod(0o755)
    return [data, *files]


def test_what_was_open_to_others_is_closed_with_one_warning_each_that_names_it(tmp_path):
    open_paths = opened(tmp_path / "data")
    ran = run(tmp_path / "data", "manage.py", "check")
    assert set(modes(tmp_path / "data").values()) == {"0o700", "0o600"}
    assert warnings(ran) == [("file was open to others and is closed", str(path)) for path in open_paths]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o666, 0o777])
def test_any_right_of_others_is_taken_away_and_the_owners_stay(tmp_path, mode):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    private_files.close(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode & 0o700


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_left_as_it_is(tmp_path, mode, caplog):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with caplog.at_level(logging.WARNING, logger=private_files.logger.name):
        private_files.close(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert not caplog.records


def test_a_directory_that_is_everybodys_by_design_is_left_open(tmp_path):
    tmp_path.chmod(0o1777)
    private_files.close(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    tmp_path.chmod(0o700)


def test_what_is_not_there_is_not_made(tmp_path):
    private_files.close(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


def test_a_file_that_only_another_user_may_close_is_named_and_stops_nobody(tmp_path, caplog, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o644)

    def refuse(self, mode):
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    with caplog.at_level(logging.WARNING, logger=private_files.logger.name):
        private_files.close(path)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "file is open to others and belongs to somebody else")
    assert record.fields == {"file": str(path)}


def test_a_database_elsewhere_is_closed_and_not_the_directory_around_it(tmp_path):
    data, shared = tmp_path / "data", tmp_path / "shared"
    assert [path for path in private_files.own_files(data, shared / "clinic.sqlite3") if path.parent != shared] == [data]
    assert {shared / "clinic.keys.json", shared / "clinic.counters.sqlite3", shared / "clinic.counters.sqlite3-wal"} <= {
        *private_files.own_files(data, shared / "clinic.sqlite3")
    }


def test_of_a_database_behind_a_link_the_files_beside_it_are_closed(tmp_path):
    *_, database, wal, shm, _ = opened(tmp_path / "disk")
    link = tmp_path / "clinic.sqlite3"
    link.symlink_to(database)
    found = list(private_files.own_files(tmp_path, link))
    assert {database, wal, shm, tmp_path / "clinic.keys.json"} <= set(found)
