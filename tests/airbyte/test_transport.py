import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.airbyte.access import Access, Application, Basic, Credentials
from bot.airbyte.problem import Refused
from bot.airbyte.transport import MOST_IN_FLIGHT, Patience, Transport
from bot.domain.errors import AirbyteError
from tests.airbyte.loopback import PUBLIC, Answer, Request, Server

QUICK = Patience(4, timedelta(milliseconds=1), timedelta(milliseconds=2))
TOKEN = f"{PUBLIC}/applications/token"
THING = f"{PUBLIC}/thing"
CREDENTIALS = Application("app", "hunter22")


def reach(server: Server, credentials: Credentials | None = None) -> Transport:
    return Transport(Access.to(server.url, credentials), QUICK)


def minted(value: str, life_s: float | None = 900) -> Answer:
    return Answer(200, {"access_token": value, "token_type": "Bearer", "expires_in": life_s})


def test_a_token_is_minted_once_and_sent_with_every_request(server: Server) -> None:
    server.on("POST", TOKEN, minted("t1"))
    server.on("GET", THING, Answer(200, {}))
    with reach(server, CREDENTIALS) as transport:
        transport.get("/thing")
        transport.get("/thing")
    [mint] = server.asked(TOKEN)
    assert mint.body["client_id"] == "app"
    assert mint.body["grant_type"] == mint.body["grant-type"] == "client_credentials"
    assert [r.headers["authorization"] for r in server.asked(THING)] == ["Bearer t1"] * 2
    assert server.asked(THING)[0].headers["user-agent"].startswith("trimtab/")


def test_a_token_is_renewed_before_it_expires(server: Server) -> None:
    server.on("POST", TOKEN, minted("t1", 0.1), minted("t2", 900))
    server.on("GET", THING, Answer(200, {}))
    with reach(server, CREDENTIALS) as transport:
        transport.get("/thing")
        time.sleep(0.09)
        transport.get("/thing")
    assert [r.headers["authorization"] for r in server.asked(THING)] == ["Bearer t1", "Bearer t2"]


def test_a_refused_token_is_minted_once_more(server: Server) -> None:
    server.on("POST", TOKEN, minted("t1"), minted("t2"))
    server.on("GET", THING, Answer(401, {"title": "invalid-api-key"}), Answer(200, {}))
    with reach(server, CREDENTIALS) as transport:
        transport.get("/thing")
    assert server.asked(THING)[1].headers["authorization"] == "Bearer t2"


def test_a_second_refusal_is_the_end(server: Server) -> None:
    server.on("POST", TOKEN, minted("t1"))
    server.on("GET", THING, Answer(401, {"title": "invalid-api-key", "detail": "no"}))
    with reach(server, CREDENTIALS) as transport, pytest.raises(Refused, match="401") as caught:
        transport.get("/thing")
    assert len(server.asked(THING)) == 2
    assert "Applications" in caught.value.hint


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_secret_is_named_and_never_shown(server: Server, status: int) -> None:
    server.on("POST", TOKEN, Answer(status, {"message": "bad credentials hunter22"}))
    with reach(server, CREDENTIALS) as transport, pytest.raises(AirbyteError) as caught:
        transport.get("/thing")
    assert "refused the login" in caught.value.message
    assert "client id and secret" in caught.value.hint
    assert "hunter22" not in str(caught.value)


def test_an_older_release_mints_at_its_internal_address(server: Server) -> None:
    server.on("POST", "/api/v1/applications/token", Answer(200, {"access_token": "old1"}))
    server.on("GET", THING, Answer(200, {}))
    with reach(server, CREDENTIALS) as transport:
        transport.get("/thing")
    assert server.asked(THING)[0].headers["authorization"] == "Bearer old1"


def test_basic_credentials_and_none_at_all(server: Server) -> None:
    server.on("GET", THING, Answer(200, {}))
    with reach(server, Basic("airbyte", "password")) as transport:
        transport.get("/thing")
    with reach(server) as transport:
        transport.get("/thing")
    basic, anonymous = server.asked(THING)
    assert basic.headers["authorization"] == "Basic YWlyYnl0ZTpwYXNzd29yZA=="
    assert "authorization" not in anonymous.headers


@pytest.mark.parametrize(
    "passing",
    [Answer(429, {"message": "You are being rate limited."}), Answer(408, {}), Answer(500, {}),
     Answer(502, "<html>Bad gateway</html>", {"content-type": "text/html"}), Answer(503, {}),
     Answer(hang_up=True)],
)  # fmt: skip
def test_what_may_pass_is_tried_again(server: Server, passing: Answer) -> None:
    server.on("GET", THING, passing, passing, Answer(200, {"ok": 1}))
    with reach(server) as transport:
        assert transport.get("/thing").json() == {"ok": 1}
        assert (transport.traffic.requests, transport.traffic.repeats) == (3, 2)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 501])
def test_a_plain_no_is_not_tried_again(server: Server, status: int) -> None:
    server.on("GET", THING, Answer(status, {"detail": "because"}))
    with reach(server) as transport, pytest.raises(Refused, match=f"{status}: because") as caught:
        transport.get("/thing")
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_patience_ends_with_the_last_reason(server: Server) -> None:
    server.on("GET", THING, Answer(429, {"message": "You are being rate limited."}))
    with reach(server) as transport, pytest.raises(Refused, match="being rate limited") as caught:
        transport.get("/thing")
    assert len(server.requests) == QUICK.attempts
    assert "limiting" in caught.value.hint


def test_the_pause_that_airbyte_asks_for_is_kept(server: Server) -> None:
    server.on("GET", THING, Answer(429, {}, {"retry-after": "1"}), Answer(200, {}))
    started = time.monotonic()
    with reach(server) as transport:
        transport.get("/thing")
    assert time.monotonic() - started >= 1


def test_a_slow_answer_is_a_sentence(server: Server) -> None:
    def slow(_: Request) -> Answer:
        time.sleep(0.3)
        return Answer(200, {})

    server.on("GET", THING, slow)
    access = Access(f"{server.url}{PUBLIC}", timeout=timedelta(seconds=0.05))
    with Transport(access, QUICK) as transport, pytest.raises(AirbyteError, match="in time"):
        transport.get("/thing")


def test_never_more_than_three_requests_are_in_flight(server: Server) -> None:
    def slow(_: Request) -> Answer:
        time.sleep(0.02)
        return Answer(200, {})

    server.on("GET", THING, slow)
    with reach(server) as transport:
        threads = [threading.Thread(target=transport.get, args=("/thing",)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.most_open == MOST_IN_FLIGHT


@pytest.mark.parametrize("ahead_s", [-600, 0, 5400])
def test_clock_skew_is_noticed(server: Server, ahead_s: int) -> None:
    told = datetime.now(UTC) + timedelta(seconds=ahead_s)
    server.on("GET", THING, Answer(200, {}, {"date": format_datetime(told, usegmt=True)}))
    with reach(server) as transport:
        transport.get("/thing")
        assert transport.traffic.skew is not None
        assert abs(transport.traffic.skew - timedelta(seconds=ahead_s)) < timedelta(seconds=3)
        assert abs(transport.server_time() - told) < timedelta(seconds=3)


def test_a_wrong_port_is_one_sentence_and_quick() -> None:
    with Transport(Access.to("http://127.0.0.1:9"), QUICK) as transport:
        with pytest.raises(AirbyteError, match="cannot be reached") as caught:
            transport.get("/thing")
        assert transport.traffic.requests == 3
    assert "\n" not in caught.value.message


def test_a_redirect_says_where_to(server: Server) -> None:
    server.on("GET", THING, Answer(302, "", {"location": "https://login.example/"}))
    with reach(server) as transport, pytest.raises(Refused, match=r"https://login\.example/"):
        transport.get("/thing")


def test_an_untrusted_certificate_is_one_sentence_and_not_tried_again(tmp_path: Path) -> None:
    with tls_server(tmp_path) as url, Transport(Access.to(url), QUICK) as transport:
        with pytest.raises(AirbyteError, match="certificate is not trusted") as caught:
            transport.get("/thing")
        assert transport.traffic.requests == 1
    assert "SSL_CERT_FILE" in caught.value.hint


def test_plain_http_spoken_by_an_https_address_is_a_sentence(server: Server) -> None:
    access = Access.to(server.url.replace("http:", "https:"))
    with Transport(access, QUICK) as transport, pytest.raises(AirbyteError) as caught:
        transport.get("/thing")
    assert "TLS" in caught.value.message
    assert "http://" in caught.value.hint


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: refused handshakes are what the test is about."""


@contextmanager
def tls_server(folder: Path) -> Iterator[str]:
    """Serve HTTPS with a certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self-signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    http = QuietServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://localhost:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
