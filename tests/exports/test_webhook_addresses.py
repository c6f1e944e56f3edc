"""A client cannot have the server send into its own networks: each way that is known, when it is saved and when it is sent."""

import datetime
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import override_settings

from config.core.exceptions import Invalid
from exports.models import WebhookEndpoint
from exports.services import create_endpoint, update_endpoint
from exports.webhooks import addresses, transport
from exports.webhooks.addresses import Refused, check_url, is_allowed, parse
from exports.webhooks.transport import Outcome, Session
from tests.factories import SYSTEM
from tests.receivers import allowed, receiving

REFUSED_URLS = {
    "loopback": "https://127.0.0.1/",
    "all of its network": "https://127.255.0.9/",
    "this host": "https://0.0.0.0/",
    "loopback in IPv6": "https://[::1]/",
    "unspecified in IPv6": "https://[::]/",
    "private, 10": "https://10.1.2.3/",
    "private, 172": "https://172.16.0.1/",
    "private, 192": "https://192.168.1.1/",
    "carrier-grade NAT": "https://100.64.0.1/",
    "link-local, where clouds keep metadata": "https://169.254.169.254/latest/meta-data/",
    "metadata in IPv6": "https://[fd00:ec2::254]/",
    "metadata at a public address": "https://168.63.129.16/",
    "unique-local": "https://[fc00::1]/",
    "site-local": "https://[fec0::1]/",
    "link-local in IPv6": "https://[fe80::1]/",
    "link-local with its interface": "https://[fe80::1%25eth0]/",
    "multicast": "https://224.0.0.1/",
    "multicast in IPv6": "https://[ff02::1]/",
    "broadcast": "https://255.255.255.255/",
    "reserved": "https://240.0.0.1/",
    "for documents": "https://192.0.2.1/",
    "IPv4 mapped into IPv6": "https://[::ffff:127.0.0.1]/",
    "the same in hexadecimal": "https://[::ffff:7f00:1]/",
    "IPv4 compatible": "https://[::7f00:1]/",
    "6to4": "https://[2002:7f00:1::]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "local NAT64": "https://[64:ff9b:1::a00:1]/",
    "Teredo": "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "decimal": "https://2130706433/",
    "octal": "https://0177.0.0.1/",
    "hexadecimal": "https://0x7f000001/",
    "hexadecimal by parts": "https://0x7f.0x0.0x0.0x1/",
    "in two parts": "https://127.1/",
    "with a dot at its end": "https://127.0.0.1./",
    "a name of this host": "https://localhost/",
    "a name below it": "https://api.localhost/",
    "a name of a local network": "https://printer.local/",
    "a name of a private network": "https://vault.internal/",
    "a name without a domain": "https://intranet/",
    "plain HTTP": "http://hooks.clinic.example/",
    "another scheme": "file:///etc/passwd",
    "gopher": "gopher://hooks.clinic.example/",
    "credentials": "https://user:password@hooks.clinic.example/",
    "a name that hides the host": "https://hooks.clinic.example@127.0.0.1/",
    "a backslash that some take for a slash": "https://127.0.0.1\\@hooks.clinic.example/",
    "another port": "https://hooks.clinic.example:22/",
    "a port that is none": "https://hooks.clinic.example:99999/",
    "a fragment": "https://hooks.clinic.example/#secret",
    "no host": "https:///hooks",
    "a line of its own": "https://hooks.clinic.example/\r\nX-Header: 1",
    "full-width digits": "https://１２７.0.0.1/",
    "a percent sign in the name": "https://127.0.0.1%2f.clinic.example/",
    "no URL": "https://[::1/",
}


@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS)
def test_what_leads_inside_is_refused_when_it_is_saved_and_when_it_is_sent(url, monkeypatch):
    with pytest.raises(Invalid) as refused:
        check_url(url)
    assert list(refused.value.errors) == ["url"]
    monkeypatch.setattr(socket, "create_connection", None)
    assert Session(url).post(b"{}", {})[::2] == (None, "address refused")


@pytest.mark.parametrize(
    "url",
    ["https://hooks.clinic.example/a?b=c", "https://hooks.clinic.example:8443/", "https://8.8.8.8/", "https://[2606:4700::1]/"],
)
def test_what_is_public_is_taken(url):
    check_url(url)


def test_no_door_saves_an_address_that_leads_inside(clinic, api):
    row = clinic.endpoint()
    url = REFUSED_URLS["link-local, where clouds keep metadata"]
    with pytest.raises(Invalid):
        create_endpoint(actor=SYSTEM, organization=clinic.organization, url=url, description="x")
    with pytest.raises(Invalid):
        update_endpoint(actor=SYSTEM, endpoint=row, base_version=1, changes={"url": url})
    answers = [
        api().post(f"{clinic.base}/webhook-endpoints", {"url": url, "description": "x"}),
        api().patch(f"{clinic.base}/webhook-endpoints/{row.uuid}", {"base_version": 1, "url": url}),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "url"]
    assert list(WebhookEndpoint.objects.filter(organization=clinic.organization).values_list("url", flat=True)) == [row.url]


LOOK_UP = socket.getaddrinfo


def answering(*found: str):
    """Return a DNS that answers with these addresses, and counts how often it is asked for a name."""

    def ask(host, port, *args, **kwargs):
        if host[0].isdigit():
            return LOOK_UP(host, port, *args, **kwargs)
        ask.times += 1
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    ask.times = 0
    return ask


@pytest.mark.parametrize("found", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254"], ["fe80::1%eth0"]])
def test_a_name_with_one_address_inside_is_refused_when_it_is_sent(monkeypatch, found):
    monkeypatch.setattr(socket, "getaddrinfo", answering(*found))
    monkeypatch.setattr(socket, "create_connection", None)
    check_url("https://hooks.clinic.example/")
    assert Session("https://hooks.clinic.example/").post(b"{}", {})[::2] == (None, "address refused")


def test_a_name_that_changes_its_address_is_asked_for_once_and_the_checked_address_connected(monkeypatch):
    with receiving() as receiver:
        monkeypatch.setattr(addresses, "_is_in_allowed_network", lambda address: str(address) == "127.0.0.1")
        first = answering("127.0.0.1")
        monkeypatch.setattr(socket, "getaddrinfo", first)
        session = Session(f"http://hooks.clinic.example:{receiver.server_port}/hooks")
        connected = []
        create = socket.create_connection

        def connect(address, timeout):
            monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.1"))
            connected.append(address)
            return create(address, timeout)

        monkeypatch.setattr(socket, "create_connection", connect)
        receiver.answer = lambda handler, message: setattr(handler, "close_connection", True) or 204
        for _ in range(3):
            assert session.post(b"{}", {"webhook-id": "1"}).error == ""
        session.close()
    assert first.times == 1
    assert {address for address, _ in connected} == {"127.0.0.1"}
    assert {message.headers["host"] for message in receiver.messages} == {f"hooks.clinic.example:{receiver.server_port}"}


def test_networks_that_the_operator_allows_are_taken_and_no_others():
    with override_settings(WEBHOOK_ALLOWED_NETWORKS=["10.20.0.0/16"]):
        check_url("https://10.20.1.1/")
        check_url("https://[::ffff:10.20.1.1]/")
        check_url("https://intranet/")
        for url in ("https://10.21.1.1/", "https://127.0.0.1/", "https://[::1]/", "https://0x0a140101/"):
            with pytest.raises(Invalid):
                check_url(url)


def test_an_address_is_public_by_every_network_that_it_may_end_in():
    assert is_allowed(addresses.ipaddress.ip_address("64:ff9b::808:808"))
    assert not is_allowed(addresses.ipaddress.ip_address("64:ff9b::a00:1"))
    with pytest.raises(Refused):
        parse("https://[64:ff9b::a00:1]/")


# --- the connection ---------------------------------------------------------------------------------
def post(receiver, **headers) -> Outcome:
    session = Session(receiver.url)
    try:
        return session.post(b'{"type": "test"}', {"webhook-id": "1", **headers})
    finally:
        session.close()


def test_an_answer_is_waited_for_no_longer_than_is_set():
    with receiving(lambda handler, message: receiver.released.wait(20) and None, WEBHOOK_ANSWER_SECONDS=0.2) as receiver:
        receiver.released = threading.Event()
        outcome = post(receiver)
        receiver.released.set()
    assert (outcome.status, outcome.error) == (None, "no answer in time")
    assert outcome.duration >= 200


def test_a_receiver_that_sends_a_byte_now_and_then_does_not_put_the_end_off():
    def drip(handler, message):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(40):
            if receiver.released.wait(0.05):
                return
            handler.wfile.write(b"x")
            handler.wfile.flush()
        # Whoever waits for each byte anew gets a good answer in the end.
        handler.wfile.write(b": y\r\nContent-Length: 0\r\n\r\n")

    with receiving(drip, WEBHOOK_ANSWER_SECONDS=0.3) as receiver:
        receiver.released = threading.Event()
        outcome = post(receiver)
        receiver.released.set()
    assert (outcome.status, outcome.error) == (None, "no answer in time")


def test_an_answer_without_end_is_not_read_to_its_end():
    def flood(handler, message):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
                receiver.sent += 65_536
        except OSError:
            receiver.has_ended.set()

    with receiving(flood) as receiver:
        receiver.sent, receiver.has_ended = 0, threading.Event()
        assert post(receiver)[::2] == (200, "")
        assert receiver.has_ended.wait(20)
    assert receiver.sent < 100_000_000


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n"]
)
def test_what_is_no_answer_of_http_is_a_failure(answer):
    def speak(handler, message):
        handler.close_connection = True
        handler.wfile.write(answer)

    with receiving(speak) as receiver:
        assert post(receiver)[::2] == (None, "answer not understood")


def test_a_connection_that_is_cut_is_a_failure():
    def cut(handler, message):
        handler.close_connection = True

    with receiving(cut) as receiver:
        assert post(receiver)[::2] == (None, "connection lost")


def test_no_proxy_of_the_environment_gets_a_message(monkeypatch):
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver).error == ""
    assert (len(proxy.messages), len(receiver.messages)) == (0, 1)


def test_a_name_without_an_address_is_a_failure(monkeypatch):
    def ask(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    assert Session("https://hooks.clinic.example/").post(b"{}", {})[::2] == (None, "name not resolved")


@pytest.fixture
def secured(tmp_path):
    """Return a function that runs a receiver with TLS, whose certificate names `host` and is signed by itself."""

    @contextmanager
    def run(host: str):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = tmp_path / "certificate.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        with receiving() as receiver:
            receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
            yield receiver, ssl.create_default_context(cafile=str(pem))

    return run


def test_tls_holds_the_certificate_against_the_name_and_not_the_address(secured, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1"))
    with secured("hooks.clinic.example") as (receiver, trusting), allowed(receiver.server_port):
        right, wrong = (f"https://{name}.clinic.example:{receiver.server_port}/" for name in ("hooks", "other"))
        assert Session(right).post(b"{}", {})[::2] == (None, "certificate not valid"), "nobody trusts its authority"
        monkeypatch.setattr(transport, "_tls", lambda: trusting)
        assert Session(wrong).post(b"{}", {})[::2] == (None, "certificate not valid")
        session = Session(right)
        assert session.post(b"{}", {"webhook-id": "1"})[::2] == (204, "")
        session.close()
    assert len(receiver.messages) == 1
