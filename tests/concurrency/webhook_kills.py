"""Killing workers at any moment, beside writers and receivers that behave badly, and what must be true after that."""

import random
import threading
import time
from collections import Counter, defaultdict, deque

from tests.concurrency.forks import Forks
from tests.receivers import Handler, Message, Receiver, receiving

WRITERS = 2
# Seconds that a worker lives at most.
LIFE = 0.5
PATIENTS, CHANGES = 6, 24
PATIENCE = 60
SETTINGS = {
    "WEBHOOK_ALLOW_HTTP": "1",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_CONNECT_SECONDS": "0.1",
    "WEBHOOK_ANSWER_SECONDS": "0.2",
    "WEBHOOK_RETRY_SECONDS": "0.05,0.1,0.2",
}


class Behaviours:
    """How a receiver behaves: well, or in one of several bad ways, which last for a few messages each."""

    BAD = ("fails", "hangs", "is slow", "redirects", "cuts", "floods")

    def __init__(self, seed: int):
        self.random, self.seen = random.Random(seed), Counter[str]()
        self.behaviour, self.lasts, self.next = "well", 3, list[str]()
        self.released = threading.Event()

    def __call__(self, handler: Handler, message: Message) -> int | None:
        if self.released.is_set():
            return 200
        behaviour = self._next()
        self.seen[behaviour] += 1
        match behaviour:
            case "fails":
                return self.random.choice([400, 404, 410, 429, 500, 503])
            case "hangs":
                self.released.wait(PATIENCE)
                return None
            case "is slow":
                # Slower than usual, and sometimes too slow.
                self.released.wait(self.random.uniform(0.05, 0.3))
            case "redirects":
                handler.answer(302, Location="/elsewhere")
                return None
            case "cuts":
                handler.close_connection = True
                return None
            case "floods":
                handler.answer(200, b"x" * 200_000)
                return None
        return 200

    def _next(self) -> str:
        """Return the behaviour for the next message: a good one and each of the bad ones take turns."""
        self.lasts -= 1
        if self.lasts < 0:
            if not self.next:
                self.next = self.random.sample(self.BAD, len(self.BAD))
            is_bad = self.behaviour == "well"
            self.behaviour = self.next.pop() if is_bad else "well"
            self.lasts = self.random.randint(0, 2) if is_bad else self.random.randint(1, 6)
        return self.behaviour


def loses_nothing(url: str, kills: int, workers: int = 1) -> None:
    """Kill so many workers while others write, on the database `url`; hold what was received against what has happened.

    So many workers are at work at once.
    """
    behaviours = [Behaviours(seed) for seed in (1, 2)]
    with receiving(behaviours[0]) as ordered, receiving(behaviours[1]) as other:
        ports = f"{ordered.server_port},{other.server_port}"
        forks = Forks(url, **SETTINGS, WEBHOOK_PORTS=ports)
        try:
            forks("prepare", ordered.url, [other.url])
            writers = [forks("write", PATIENTS, CHANGES) for _ in range(WRITERS)]
            kill_many(forks, kills, workers)
            assert [forks("ended", writer) for writer in writers] == [0] * WRITERS
            forks("deliver")
            # There are many more messages than it takes to see all of it.
            wait_until(lambda: all(set(behaviour.seen) == {"well", *Behaviours.BAD} for behaviour in behaviours))
            for behaviour in behaviours:
                behaviour.released.set()
            events = forks("happened")
            for receiver in (ordered, other):
                wait_until(lambda receiver=receiver: {uuid for uuid, *_ in events} <= set(receiver.ids))
            wait_until(lambda: forks("left") == 0)
        finally:
            forks.stop()
    assert len(events) == WRITERS * PATIENTS * (CHANGES + 1)
    for receiver in (ordered, other):
        assert set(receiver.ids) == {uuid for uuid, *_ in events}
        assert one_body_an_id(receiver)
    assert out_of_order(ordered, events) == []


def kill_many(forks: Forks, kills: int, workers: int) -> None:
    """Kill one worker after another, each at a random moment, so many being at work."""
    moments, at_work = random.Random(3), deque[int]()
    while kills:
        at_work.append(forks("deliver"))
        time.sleep(moments.uniform(0, LIFE))
        if len(at_work) == workers:
            forks.kill(at_work.popleft())
            kills -= 1
    for worker in at_work:
        forks.kill(worker)


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "what happened has not arrived"
        time.sleep(0.05)


def one_body_an_id(receiver: Receiver) -> bool:
    """Tell whether messages of the same id are the same message, sent again."""
    bodies = defaultdict(set)
    for message in receiver.messages:
        bodies[message.id].add(message.body)
        assert message.json["data"]["id"] == message.id
    return all(len(found) == 1 for found in bodies.values())


def out_of_order(receiver: Receiver, events: list) -> list[int]:
    """Return the patients of whom an event came for the first time after a later one had come."""
    versions = {uuid: (patient, version) for uuid, patient, version in events}
    first = defaultdict(list)
    for uuid in dict.fromkeys(receiver.ids):
        patient, version = versions[uuid]
        first[patient].append(version)
    assert len(first) == WRITERS * PATIENTS
    return [patient for patient, found in first.items() if found != sorted(found)]
