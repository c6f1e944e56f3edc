"""The rate limit: who is counted, when a window ends, and what does not help."""

import pytest
from django.utils import timezone

from accounts.models import ApiKey, RateWindow, User
from accounts.scope import Role
from config.core.exceptions import Unavailable
from config.rest import throttling
from tests.accounts.conftest import CounterClock
from tests.accounts.test_authenticate import altered, rechecked
from tests.conftest import ApiClient
from tests.factories import key_row, new_key
from tests.rest.wire import DIALECTS, Wire

LIMIT = 3


class FakeRedis:
    """As much of Redis as the counter uses: SET NX PX, INCRBY and PTTL in one transaction, on the clock given."""

    def __init__(self, clock: CounterClock):
        self.clock, self.store, self.sent, self.transactional = clock, {}, [], []

    def pipeline(self, transaction: bool):
        self.transactional.append(transaction)
        self.queue: list[tuple] = []
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def set(self, key, value, *, nx, px):
        self.queue.append(("SET", key, value, nx, px))

    def incrby(self, key, amount):
        self.queue.append(("INCRBY", key, amount))

    def pttl(self, key):
        self.queue.append(("PTTL", key))

    def execute(self) -> list:
        self.sent += self.queue
        return [getattr(self, f"do_{command.lower()}")(*arguments) for command, *arguments in self.queue]

    def do_set(self, key, value, nx, px):
        if nx and key in self.store and self.store[key][1] > self.clock.milliseconds:
            return None
        self.store[key] = [value, self.clock.milliseconds + px]
        return True

    def do_incrby(self, key, amount):
        self.store[key][0] += amount
        return self.store[key][0]

    def do_pttl(self, key):
        return self.store[key][1] - self.clock.milliseconds


@pytest.fixture
def redis(clock, settings, monkeypatch) -> FakeRedis:
    """Counters in Redis instead of the database."""
    redis = FakeRedis(clock)
    settings.CACHE_URL = "redis://127.0.0.1:6379/9"
    monkeypatch.setattr(throttling, "_redis", lambda url: redis)
    return redis


@pytest.fixture(params=["database", "redis"])
def store(request, clock):
    """Both places where counters can live: what follows holds for each."""
    return request.getfixturevalue("redis") if request.param == "redis" else None


@pytest.fixture
def limits(settings):
    settings.RATE_LIMIT_PER_MINUTE = settings.ANONYMOUS_PER_MINUTE = settings.FAILED_KEYS_PER_MINUTE = LIMIT


@pytest.fixture
def client(clinic, limits) -> ApiClient:
    return ApiClient(clinic.keys[Role.HC_ADMIN])


def left(response) -> int:
    return int(response.headers["X-RateLimit-Remaining"])


def statuses(client: ApiClient, times: int, path: str = "/v1/me", **headers: str) -> list[int]:
    return [client.get(path, **headers).status_code for _ in range(times)]


def test_exactly_the_limit_passes_and_the_rest_is_429(store, client):
    answers = [client.get("/v1/me") for _ in range(LIMIT + 2)]
    assert [answer.status_code for answer in answers] == [200] * LIMIT + [429] * 2
    assert [left(answer) for answer in answers] == [2, 1, 0, 0, 0]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert [answer.headers.get("Retry-After") for answer in answers] == [None] * LIMIT + ["60"] * 2


def test_time_to_come_back_is_honest(store, clock, client):
    statuses(client, LIMIT)
    for moved, told in ((0, "60"), (0.5, "60"), (0.5, "59"), (58, "1"), (0.999, "1")):
        clock.move(moved)
        response = client.get("/v1/me")
        assert (response.status_code, response.headers["Retry-After"]) == (429, told)
        assert response.headers["X-RateLimit-Reset"] == told
    clock.move(0.001)
    assert client.get("/v1/me").status_code == 200


def test_every_answer_tells_when_the_window_ends(store, clock, client):
    for moved, told in ((0, "60"), (20, "40"), (39.5, "1"), (0.5, "60")):
        clock.move(moved)
        response = client.get("/v1/me")
        assert (response.status_code, response.headers["X-RateLimit-Reset"]) == (200, told)


def test_window_opens_with_the_first_request_after_the_last_one_ended(store, clock, client):
    statuses(client, LIMIT)
    clock.move(90)
    assert [left(client.get("/v1/me")) for _ in range(2)] == [2, 1]
    clock.move(59)
    assert left(client.get("/v1/me")) == 0
    clock.move(1)
    assert left(client.get("/v1/me")) == 2


def test_remaining_never_rises_inside_a_window(store, clock, client):
    seen = []
    for _ in range(59):
        seen.append(left(client.get("/v1/me")))
        clock.move(1)
    assert seen == sorted(seen, reverse=True)


def test_refused_requests_do_not_lengthen_the_window(store, clock, client):
    statuses(client, LIMIT)
    for _ in range(5):
        clock.move(11)
        assert client.get("/v1/me").status_code == 429
    clock.move(5)
    assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_clock_that_is_put_back_does_not_stall_anybody(store, clock, client, hours):
    """The window of the database ends at once; that of Redis has its own clock, which stood still."""
    statuses(client, LIMIT + 1)
    clock.move(-3600 * hours)
    if store is not None:
        for entry in store.store.values():
            entry[1] -= 3_600_000 * hours
        clock.move(60)
    assert statuses(client, LIMIT + 1) == [200] * LIMIT + [429]


def test_clock_of_another_worker_that_is_a_little_behind_opens_no_window(store, clock, client):
    assert left(client.get("/v1/me")) == 2
    clock.move(-2)
    assert left(client.get("/v1/me")) == 1


def test_clock_that_is_put_forward_ends_the_window(store, clock, client):
    statuses(client, LIMIT + 1)
    clock.move(3600)
    assert left(client.get("/v1/me")) == 2


def test_requests_that_fail_are_counted(store, clinic, client):
    missing = f"{clinic.base}/patients/00000000-0000-7000-8000-000000000000"
    assert client("FOO", "/v1/me").status_code == 405
    assert client.get(missing).status_code == 404
    assert client("POST", f"{clinic.base}/patients", raw=b"{").status_code == 400
    assert client.get("/v1/me").status_code == 429


def test_requests_that_crash_are_counted(store, client, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.public.views.MeViewSet.retrieve", fail)
    assert statuses(client, LIMIT + 1) == [500] * LIMIT + [429]


def test_user_is_counted_once_over_all_keys_and_dialects(store, clinic, limits):
    user = clinic.users[Role.HC_ADMIN]
    wires = [Wire(name, clinic) for name in DIALECTS]
    assert [left(wire.with_key(new_key(user)).get(wire.patients)) for wire in wires] == [2, 1, 0]
    for wire in wires:
        wire.checked(wire.with_key(new_key(user)).get(wire.unknown), 429)


def test_users_are_counted_apart(store, clinic, client):
    assert statuses(client, LIMIT + 1)[-1] == 429
    assert statuses(ApiClient(clinic.keys[Role.HC_VIEW_ALL]), LIMIT) == [200] * LIMIT


def test_limit_is_told_before_the_path_is_looked_at(store, clinic, client):
    statuses(client, LIMIT)
    for verb, path in (("GET", "/v1/nothing"), ("FOO", "/v1/me"), ("POST", "/v1/patients")):
        assert client(verb, path).status_code == 429


@pytest.mark.parametrize("name", DIALECTS)
def test_anonymous_requests_are_counted_by_address(store, clinic, limits, name):
    wire = Wire(name, clinic)
    answers = [wire.with_key(None).get(wire.patients) for _ in range(LIMIT + 1)]
    assert [
        wire.checked(answer, status) and left(answer) for answer, status in zip(answers, [401] * LIMIT + [429], strict=True)
    ] == [2, 1, 0, 0]
    assert wire.client().get(wire.patients).status_code == 200, "a key is not held up by anonymous requests of its address"


@pytest.mark.parametrize("name", DIALECTS)
def test_failing_keys_are_counted_by_address_and_good_ones_pass(store, clinic, limits, name):
    wire = Wire(name, clinic)
    answers = [wire.with_key(f"nonsense{number}").get(wire.patients) for number in range(LIMIT + 1)]
    assert [
        wire.checked(answer, status) and left(answer) for answer, status in zip(answers, [401] * LIMIT + [429], strict=True)
    ] == [2, 1, 0, 0]
    assert wire.client().get(wire.patients).status_code == 200
    wire.checked(wire.with_key("nonsense").get(wire.patients), 429)


def test_keys_of_inactive_users_and_doubled_headers_count_as_failing(store, clinic, limits):
    User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(status="blocked")
    key = clinic.keys[Role.HC_ADMIN]
    assert ApiClient(key).get("/v1/me").status_code == 401
    assert ApiClient(key).get("/v1/me", **{"X-User-Token": key}).status_code == 401
    assert [left(ApiClient("x").get("/v1/me"))] == [0]


def ruined(clinic, how: str) -> str:
    """Return the key of an administrator with another secret, or after something has ended it."""
    key = clinic.keys[Role.HC_ADMIN]
    if how == "wrong secret":
        return rechecked(altered(key, 20))
    if how == "inactive user":
        User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(status="blocked")
    else:
        ApiKey.objects.filter(pk=key_row(key).pk).update(**{how: timezone.now()})
    return key


@pytest.mark.parametrize("how", ["wrong secret", "revoked_at", "expires_at", "inactive user"])
def test_a_key_that_is_refused_takes_nothing_of_its_user_s_allowance(clinic, clock, limits, how):
    """Who knows the id of a key, which is no secret, must not be able to use up what its user has."""
    assert ApiClient(ruined(clinic, how)).get("/v1/me").status_code == 401
    subjects = set(RateWindow.objects.values_list("subject", flat=True))
    assert f"user:{clinic.users[Role.HC_ADMIN].pk}" not in subjects
    assert "failed:127.0.0.1" in subjects


def test_a_request_is_counted_once(store, clinic, client):
    assert [left(client.get("/v1/me")), left(client.get(f"{clinic.base}/patients"))] == [2, 1]


def test_anonymous_requests_and_failing_keys_are_counted_apart(store, clinic, limits):
    assert statuses(ApiClient(None), LIMIT + 1)[-1] == 429
    assert statuses(ApiClient("nonsense"), LIMIT) == [401] * LIMIT


def test_forwarded_address_counts_for_nothing_without_trusted_proxies(store, clinic, limits):
    for number in range(LIMIT):
        assert ApiClient(None).get("/v1/me", X_Forwarded_For=f"10.0.0.{number}").status_code == 401
    assert ApiClient(None).get("/v1/me", X_Forwarded_For="10.9.9.9").status_code == 429


def test_forwarded_address_does_not_help_a_user(store, client):
    answers = [client.get("/v1/me", X_Forwarded_For=f"10.0.0.{number}").status_code for number in range(LIMIT + 1)]
    assert answers[-1] == 429


@pytest.mark.parametrize(
    ("proxies", "header", "counted"),
    [
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "x" * 5000, "127.0.0.1"),
        (1, "2001:DB8:0:1:2::3", "2001:db8:0:1::"),
        (1, "::ffff:10.0.0.1", "10.0.0.1"),
        (1, ",,10.0.0.1,,", "10.0.0.1"),
    ],
)
def test_only_what_the_trusted_proxies_saw_is_believed(clock, clinic, limits, settings, proxies, header, counted):
    settings.TRUSTED_PROXIES = proxies
    assert ApiClient(None).get("/v1/me", X_Forwarded_For=header).status_code == 401
    assert RateWindow.objects.values_list("subject", flat=True).get() == f"address:{counted}"


def test_each_client_behind_a_trusted_proxy_has_its_own_count(store, clinic, limits, settings):
    settings.TRUSTED_PROXIES = 1
    assert statuses(ApiClient(None), LIMIT + 1, X_Forwarded_For="6.6.6.6, 10.0.0.1")[-1] == 429
    assert ApiClient(None).get("/v1/me", X_Forwarded_For="6.6.6.6, 10.0.0.2").status_code == 401


def test_a_count_is_one_statement(clock, django_assert_num_queries, db):
    with django_assert_num_queries(1):
        throttling.count("user:1", 10)


def test_redis_is_asked_once_and_in_one_transaction(redis):
    assert throttling.count("user:7", 10) == throttling.Allowance(10, 1, 60, "user")
    key = "anamnesis:rate:user:7"
    assert redis.sent == [("SET", key, 0, True, 60_000), ("INCRBY", key, 1), ("PTTL", key)]
    assert redis.transactional == [True]


def test_a_costly_request_counts_as_several(store, clock, db):
    assert throttling.count("user:7", 10, 4).used == 4
    assert throttling.count("user:7", 10).used == 5
    assert throttling.count("user:7", 10, 6).used == 11


def test_redis_counts_leave_the_database_alone(redis, clinic, limits):
    assert ApiClient(clinic.keys[Role.HC_ADMIN]).get("/v1/me").status_code == 200
    assert not RateWindow.objects.exists()


@pytest.mark.parametrize("name", DIALECTS)
def test_redis_that_is_away_is_503(redis, clinic, monkeypatch, name):
    def away():
        raise ConnectionError("redis://secret@10.0.0.1")

    monkeypatch.setattr(redis, "execute", away)
    wire = Wire(name, clinic)
    response = wire.checked(wire.client().get(wire.patients), 503)
    assert b"secret" not in response.content
    with pytest.raises(Unavailable):
        throttling.count("user:7", 10)


@pytest.mark.parametrize(("left_over", "told"), [(-5, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (60_000, 60), (99_000, 60)])
def test_time_to_come_back_is_always_between_1_and_60(redis, monkeypatch, left_over, told):
    monkeypatch.setattr(redis, "do_pttl", lambda key: left_over)
    assert throttling.count("user:7", 1).reset == told
