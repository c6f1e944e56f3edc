"""JSON log lines that carry route and ids and nothing a patient could be known by."""

import contextvars
import datetime
import json
import logging

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


class JsonFormatter(logging.Formatter):
    """One JSON object a line.

    Of an exception only the type and the places in the code are written: its message and the
    values in its frames may hold what a client sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if not record.exc_info else record.msg,
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, default=str)


def _places(traceback) -> list[str]:
    places = []
    while traceback:
        file = "/".join(traceback.tb_frame.f_code.co_filename.split("/")[-2:])
        places.append(f"{file}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return places[-12:]
