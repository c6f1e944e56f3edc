"""Log lines that carry route and ids and nothing a patient could be known by."""

import contextvars
import datetime
import json
import logging
from typing import Any, NamedTuple

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


class Caller(NamedTuple):
    """Whose request is being answered, as far as logs tell. A superadmin has no organization, a session has no key."""

    organization_id: int | None = None
    key_id: str = ""


NOBODY = Caller()
caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("caller", default=NOBODY)


class LineFormatter(logging.Formatter):
    """Base of what writes one line for each record.

    Of an exception only the type and the places in the code are written: its message and the
    values in its frames may hold what a client sent.
    """

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what a line tells, by name."""
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if not record.exc_info else record.msg,
            "request_id": request_id.get(),
            **caller.get()._asdict(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return line


class JsonFormatter(LineFormatter):
    """One JSON object a line, for what collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), default=str)


class TextFormatter(LineFormatter):
    """The same for people: what happened, then what is known of it as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        line = self.fields(record)
        head = " ".join(str(line.pop(name)) for name in ("time", "level", "logger", "event"))
        known = " ".join(f"{name}={_word(value)}" for name, value in line.items() if value not in (None, ""))
        # A message of another library may have several lines.
        return f"{head}  {known}".rstrip().replace("\n", " | ")


def _word(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _places(traceback) -> list[str]:
    places = []
    while traceback:
        file = "/".join(traceback.tb_frame.f_code.co_filename.split("/")[-2:])
        places.append(f"{file}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return places[-12:]
