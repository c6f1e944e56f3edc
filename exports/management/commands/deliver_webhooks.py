"""`manage.py deliver_webhooks`: the worker that sends events to webhook endpoints."""

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from exports.webhooks.worker import Stop, Worker


class Command(BaseCommand):
    """Delivers until SIGTERM or SIGINT, and then ends what is under way. Several may run at once."""

    help = "Send events to webhook endpoints. Runs until it is stopped; --once ends when there is nothing to send, for cron."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when there is nothing to send at the moment")
        parser.add_argument("--parent", type=int, help="end with this process, which has started the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        stop, parent = Stop(), options["parent"]

        def end(*_: Any) -> None:
            stop.requested = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        Worker(stop).run(once=options["once"], is_wanted=lambda: parent is None or os.getppid() == parent)
