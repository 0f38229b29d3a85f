"""Reading a calendar trusts neither its address nor its answer (Spec: S15.9, S17.3)."""

import gzip
import os
import ssl
from typing import Any

import pytest

from bookings.calendars import fetching
from bookings.calendars.fetching import MOST_BYTES, Fetcher, FetchError
from tests.bookings.calendars.stage import PUBLIC, Stage, answer, calendar, moved, zipped

pytestmark = pytest.mark.S15
URL = "https://calendar.example/private/a.ics?key=1"
FILE = calendar("UID:a\nDTSTART:20260303T200000Z\nDTEND:20260303T210000Z")


def fault(stage: Stage, url: str = URL) -> str:
    with pytest.raises(FetchError) as refused:
        stage.fetcher.fetch(url)
    assert "calendar.example" not in repr(refused.value)
    assert refused.value.__cause__ is None
    return refused.value.code


def test_a_file_is_read_at_the_address_that_was_looked_up() -> None:
    stage = Stage([answer(FILE)])
    assert stage.fetcher.fetch(URL) == FILE
    assert stage.opened == [(PUBLIC, "calendar.example")]
    assert stage.requests[0].startswith("GET /private/a.ics?key=1 HTTP/1.1\r\n")
    assert "\r\nHost: calendar.example\r\n" in stage.requests[0]
    assert stage.closed == 1


def test_a_name_that_changes_its_mind_after_the_check_wins_nothing() -> None:
    """The second look-up would be loopback; there is none."""
    stage = Stage([answer(FILE)], names={"calendar.example": [[PUBLIC], ["127.0.0.1"]]})
    stage.fetcher.fetch(URL)
    assert stage.looked_up == ["calendar.example"]
    assert stage.opened == [(PUBLIC, "calendar.example")]


@pytest.mark.parametrize("found", [["127.0.0.1"], [PUBLIC, "10.0.0.7"], ["::ffff:8.8.8.8"]])
def test_a_name_that_leads_inside_is_never_connected_to(found: list[str]) -> None:
    stage = Stage([answer(FILE)], names={"calendar.example": [found]})
    assert fault(stage) == "not_public"
    assert stage.opened == []


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1", "[::1]", "[fd00::1]", "0.0.0.1"])
def test_numeric_addresses_are_looked_at_like_names(host: str) -> None:
    """The system's resolver gives numbers back as they are; no network is needed for that."""
    stage = Stage()
    with pytest.raises(FetchError) as refused:
        Fetcher(connect=stage.connect).fetch(f"https://{host}/a.ics")
    assert (refused.value.code, stage.opened) == ("not_public", [])


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    """All of them were looked at before; the name is not looked up again."""
    addresses = ["2606:4700::1111", PUBLIC, "8.8.8.8", "8.8.4.4"]
    stage = Stage([answer(FILE)], names={"calendar.example": [addresses, ["127.0.0.1"]]})
    tried: list[str] = []

    def connect(ip: str, host: str, seconds: float) -> Any:
        tried.append(ip)
        if len(tried) == 1:
            raise OSError("no route")
        return stage.connect(ip, host, seconds)

    fetcher = Fetcher(resolve=stage.resolve, connect=connect, monotonic=lambda: 0.0)
    assert fetcher.fetch(URL) == FILE
    assert tried == addresses[:2]


def test_three_addresses_are_tried_at_most() -> None:
    tried: list[str] = []

    def dead(ip: str, host: str, seconds: float) -> Any:
        tried.append(ip)
        raise ConnectionRefusedError

    stage = Stage(names={"calendar.example": [[PUBLIC] * 9]})
    with pytest.raises(FetchError) as refused:
        Fetcher(resolve=stage.resolve, connect=dead, monotonic=lambda: 0.0).fetch(URL)
    assert (refused.value.code, len(tried)) == ("unreachable", 3)


def test_a_name_nobody_knows_is_a_fault() -> None:
    def nobody(host: str) -> Any:
        raise OSError(f"cannot resolve {host}")

    with pytest.raises(FetchError) as refused:
        Fetcher(resolve=nobody).fetch(URL)
    assert refused.value.code == "unknown_host"
    assert fault(Stage(names={"calendar.example": [[]]})) == "unknown_host"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
def test_redirects_are_followed_and_looked_up_anew(status: str) -> None:
    stage = Stage([moved("https://files.example/b.ics", status), answer(FILE)])
    assert stage.fetcher.fetch(URL) == FILE
    assert stage.looked_up == ["calendar.example", "files.example"]
    assert "\r\nHost: files.example\r\n" in stage.requests[1]


def test_a_redirect_may_name_a_path_alone() -> None:
    stage = Stage([moved("../b.ics"), answer(FILE)])
    assert stage.fetcher.fetch(URL) == FILE
    assert stage.requests[1].startswith("GET /b.ics HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("https://inside.example/", "not_public"),
        ("https://169.254.169.254/latest/meta-data/", "not_public"),
        ("http://calendar.example/a.ics", "not_https"),
        ("webcal://calendar.example/a.ics", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("https://calendar.example:6379/", "port"),
        ("https://a:b@calendar.example/", "credentials"),
    ],
)
def test_a_redirect_leads_nowhere_that_may_not_be_typed(location: str, code: str) -> None:
    names = {"inside.example": [["10.1.2.3"]], "169.254.169.254": [["169.254.169.254"]]}
    stage = Stage([moved(location), answer(FILE)], names=names)
    assert fault(stage) == code
    assert len(stage.opened) == stage.closed == 1


def test_the_second_look_up_of_a_name_is_checked_too() -> None:
    names = {"calendar.example": [[PUBLIC], ["127.0.0.1"]]}
    stage = Stage([moved("https://calendar.example/again"), answer(FILE)], names=names)
    assert fault(stage) == "not_public"
    assert stage.opened == [(PUBLIC, "calendar.example")]


def test_redirects_end() -> None:
    stage = Stage([moved("https://calendar.example/b")] * 10)
    assert fault(stage) == "redirects"
    assert len(stage.opened) == 4


def test_a_file_of_one_megabyte_is_read_and_no_larger_one() -> None:
    assert len(Stage([answer(b"x" * MOST_BYTES)]).fetcher.fetch(URL)) == MOST_BYTES
    assert fault(Stage([answer(b"x" * (MOST_BYTES + 1))])) == "too_large"


def test_an_answer_without_a_length_is_bounded_too() -> None:
    stage = Stage([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (3 * MOST_BYTES)])
    assert fault(stage) == "too_large"


def test_what_unpacks_to_more_than_a_megabyte_is_refused() -> None:
    assert Stage([zipped(FILE)]).fetcher.fetch(URL) == FILE
    assert fault(Stage([zipped(b"\0" * (200 * MOST_BYTES))])) == "too_large"
    assert fault(Stage([zipped(b"x" * (MOST_BYTES + 1))])) == "too_large"
    packed = gzip.compress(os.urandom(2 * MOST_BYTES))
    assert fault(Stage([answer(packed, headers=["Content-Encoding: gzip"])])) == "too_large"


def test_time_counts_over_all_hops() -> None:
    """Every piece comes soon enough; together they do not."""
    drops = Stage([answer(FILE)], seconds_a_piece=1, piece=16)
    assert fault(drops) == "too_slow"
    hops = Stage([moved("https://calendar.example/b"), answer(b"x" * 40_000)], seconds_a_piece=2)
    assert fault(hops) == "too_slow"
    assert hops.closed == 2


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (answer(status="404 Not Found"), "refused"),
        (answer(status="401 Unauthorized"), "refused"),
        (answer(status="500 Oops"), "refused"),
        (answer(FILE, headers=["Content-Encoding: br"]), "unreachable"),
        (answer(b"no gzip", headers=["Content-Encoding: gzip"]), "unreachable"),
        (moved(""), "redirects"),
        (b"", "unreachable"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000, "unreachable"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000, "unreachable"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "unreachable"),
    ],
)
def test_what_is_no_answer_is_a_fault(sent: bytes, code: str) -> None:
    assert fault(Stage([sent] * 5)) == code


def test_a_wrong_certificate_is_a_fault() -> None:
    def refuse(ip: str, host: str, seconds: float) -> Any:
        raise ssl.SSLCertVerificationError(1, f"certificate of {host}")

    with pytest.raises(FetchError) as refused:
        Fetcher(resolve=Stage().resolve, connect=refuse).fetch(URL)
    assert refused.value.code == "certificate"


def test_a_connection_goes_to_the_number_and_proves_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    class Context:
        def wrap_socket(self, plain: object, server_hostname: str) -> str:
            asked["name"] = server_hostname
            return "link"

    def create(address: tuple[str, int], timeout: float) -> str:
        asked["address"] = address
        return "plain"

    monkeypatch.setattr(fetching.socket, "create_connection", create)
    monkeypatch.setattr(fetching.ssl, "create_default_context", Context)
    assert fetching.connect(PUBLIC, "calendar.example", 1.0) == "link"
    assert asked == {"address": (PUBLIC, 443), "name": "calendar.example"}
