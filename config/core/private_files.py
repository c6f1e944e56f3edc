"""The server's files are for its own user only: those that it makes, and those that it finds open to others.

config/settings.py sets the umask: it is what every start loads before it makes a file, be it a command, `serve`, one of its
workers, or another WSGI server that runs config.wsgi. What exists already, made under another umask or copied back
from a backup, is closed when the apps are ready: logging works by then, and no database is open yet. A system check
would not do, as no WSGI server runs them.
"""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO
logger = logging.getLogger("anamnesis.files")


def make_files_private() -> None:
    """Give everything that this process makes from now on to its own user only."""
    os.umask(OTHERS)


def close_own_files() -> None:
    """Take from others every right to the files of an SQLite database, with a warning for each that was open to them."""
    if settings.ON_SQLITE:
        for path in own_files(settings.DATA_DIR, Path(settings.DATABASES["default"]["NAME"])):
            close(path)


def counters_file(database: Path) -> Path:
    """Return the file of the counters that belong to the SQLite file `database`."""
    return database.with_suffix(".counters.sqlite3")


def own_files(directory: Path, database: Path) -> Iterator[Path]:
    """Yield the data directory, the database, its counters, what SQLite keeps beside both, and the key file.

    Not all of them need exist. The directory of a database that is kept elsewhere may hold what others need: it is left as it
    is.
    """
    # SQLite follows a link first, and keeps its files beside the database itself.
    files = (database.resolve(), counters_file(database).resolve())
    beside = (file.with_name(f"{file.name}{suffix}") for file in files for suffix in ("-wal", "-shm", "-journal"))
    yield from (directory, *files, *beside, database.with_suffix(".keys.json"))


def close(path: Path) -> None:
    """Take every right to `path` from others, with a warning if they had one. Never raises."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # It does not exist, or is out of reach: whoever needs it will say so.
    # A directory such as /tmp is everybody's by design.
    if not mode & OTHERS or mode & stat.S_ISVTX:
        return
    try:
        path.chmod(mode & ~OTHERS)
        event = "file was open to others and is closed"
    except OSError:
        event = "file is open to others and belongs to somebody else"
    logger.warning(event, extra={"fields": {"file": str(path)}})
