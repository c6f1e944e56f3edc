"""What the figures were measured on."""

import os
import platform
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.db import connection

SETTINGS = ("shared_buffers", "work_mem", "effective_cache_size", "synchronous_commit", "fsync", "max_connections")
PACKAGES = ("django", "djangorestframework", "granian", "psycopg")


def machine() -> dict[str, Any]:
    """Return facts about processor, memory, versions and settings. No names of hosts, paths or people."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(SETTINGS)])
        settings = dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('server_version')")
        [postgresql] = cursor.fetchone()
    return {
        "date": date.today().isoformat(),
        "processor": _read("/proc/cpuinfo", r"model name\s*:\s*(.*)"),
        "cores": os.cpu_count(),
        "memory_gb": round(int(_read("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1e6),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "postgresql": postgresql.split()[0],
        "settings": settings,
        "packages": {name: version(name) for name in PACKAGES},
    }


def _read(path: str, pattern: str) -> str:
    found = re.search(pattern, Path(path).read_text(encoding="utf-8")) if Path(path).exists() else None
    return found[1].strip() if found else ""
