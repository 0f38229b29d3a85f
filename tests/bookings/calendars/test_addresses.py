"""Which addresses calendars are read from: public hosts by https (Spec: S15.9, S17.3)."""

import pytest

from bookings.calendars.addresses import AddressRefusedError, is_public, parse_address

pytestmark = pytest.mark.S15


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2606:4700::1%eth0",
        "localhost",
        "0x7f.1",
        "",
    ],
)
def test_addresses_of_other_networks_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "142.250.72.14", "2606:4700::1111", "2a00:1450:4001::1"])
def test_addresses_of_the_internet_are_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/a.ics", "not_https"),
        ("ftp://example.com/a.ics", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("webcal://example.com/a.ics", "not_https"),
        ("//example.com/a.ics", "not_https"),
        ("a.ics", "not_https"),
        ("https://me:secret@example.com/a.ics", "credentials"),
        ("https://@example.com/a.ics", "credentials"),
        ("https://example.com:8443/a.ics", "port"),
        ("https://example.com:22/a.ics", "port"),
        ("https://example.com:0/a.ics", "port"),
        ("https://example.com:99999/a.ics", "malformed"),
        ("https:///a.ics", "malformed"),
        ("https://", "malformed"),
        ("https://./a.ics", "malformed"),
        ("https://[fe80::1%25eth0]/a.ics", "malformed"),
        ("https://[::1/a.ics", "malformed"),
        ("https://exa mple.com/", "malformed"),
        ("https://example.com/a\r\nHost: other", "malformed"),
        ("https://example.com/a\0.ics", "malformed"),
        ("https://example.com\\@other.com/", "credentials"),
        ("https://example.com\\other/", "malformed"),
        ("https://" + "ä" * 300 + ".com/", "malformed"),
        ("https://example.com/" + "a" * 2000, "malformed"),
        ("", "malformed"),
    ],
)
def test_other_addresses_are_refused(url: str, code: str) -> None:
    with pytest.raises(AddressRefusedError) as refused:
        parse_address(url)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://Example.COM/a.ics?key=1#part", "https://example.com/a.ics?key=1"),
        ("https://example.com:443/a%20b.ics", "https://example.com/a%20b.ics"),
        ("https://example.com.", "https://example.com/"),
        ("https://bücher.example/käse.ics", "https://xn--bcher-kva.example/k%C3%A4se.ics"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
    ],
)
def test_addresses_have_one_form(url: str, same: str) -> None:
    assert parse_address(url).url == same


def test_what_calendar_programs_copy_is_read_by_https() -> None:
    assert parse_address(" webcal://example.com/a.ics\n", is_typed=True).url == (
        "https://example.com/a.ics"
    )
