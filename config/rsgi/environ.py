"""A request as WSGI knows it."""

import io
import sys
from typing import Any

from config.rest.body_limits import BODY_FAULT

SERVER = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def environ_of(scope: Any, content: bytes, length: int, fault: int = 0) -> dict[str, Any]:
    """Return the environ of `scope`.

    `content` is the whole body, and `length` what is said of it; a `fault` is the status with which
    a body is refused that could not be read.
    """
    environ = SERVER | {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _latin(scope.path),
        "QUERY_STRING": _latin(scope.query_string),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": _host_and_port(scope.client)[0],
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(content),
    }
    environ["SERVER_NAME"], environ["SERVER_PORT"] = _host_and_port(scope.server)
    _add_headers(environ, scope.headers)
    if length:
        environ["CONTENT_LENGTH"] = str(length)
    if fault:
        environ[BODY_FAULT] = fault
    return environ


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")


def _host_and_port(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def _add_headers(environ: dict[str, Any], headers: Any) -> None:
    """Add `headers`: repeated ones in one line, unreadable ones empty.

    A name with an underscore would pass for the one with a hyphen, which a proxy may have set or taken away.
    """
    lines: dict[str, list[str]] = {name: [] for name in headers.keys() if "_" not in name}  # noqa: SIM118 - not a dict
    for name, value in headers.items():
        if name in lines:
            lines[name].append(value)
    # The body has been read: however it came, what Django is given has a length.
    for name in ("content-length", "transfer-encoding"):
        lines.pop(name, None)
    environ["CONTENT_TYPE"] = ",".join(lines.pop("content-type", []))
    for name, values in lines.items():
        separator = "; " if name == "cookie" else ","
        environ["HTTP_" + name.upper().replace("-", "_")] = separator.join(values)
