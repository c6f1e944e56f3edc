"""A process that forks workers and writers of the product, which costs little: what they need is loaded once.

`Forks` is for tests. The process itself reads one command a line, a list of a name and arguments in JSON, and prints its result.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings

from tests.concurrency.servers import environment


class Forks:
    """The process, on a database that is migrated, with `given` settings."""

    def __init__(self, database_url: str, **given: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.forks"],
            cwd=settings.BASE_DIR,
            env=environment(database_url, "tests.settings") | {"LOG_LEVEL": "CRITICAL"} | given,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Run the function `name` there and return its result; what it forks has a process id."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{name} has failed"
        return json.loads(answer)

    def kill(self, pid: int) -> None:
        """End a process that was forked, as a power cut would."""
        os.kill(pid, signal.SIGKILL)
        self("ended", pid)

    def stop(self) -> None:
        """End the process, and with it the workers."""
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def main() -> None:
    """Carry out the commands that come in."""
    import django

    django.setup()
    from django.db import connections

    from tests.concurrency import webhook_work

    for line in sys.stdin:
        name, *arguments = json.loads(line)
        if name == "ended":
            _, status = os.waitpid(arguments[0], 0)
            result = os.waitstatus_to_exitcode(status)
        elif name in webhook_work.FORKED:
            connections.close_all()
            result = _fork(webhook_work.FORKED[name], arguments)
        else:
            result = webhook_work.CALLED[name](*arguments)
        print(json.dumps(result), flush=True)


def _fork(work: Any, arguments: list) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # What is printed would be taken for a result.
        os.dup2(2, 1)
        with suppress(KeyboardInterrupt):
            work(*arguments)
        status = 0
    except Exception as error:
        print(repr(error), file=sys.stderr)
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
