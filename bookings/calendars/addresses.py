"""Which addresses a calendar may be read from: public hosts by https, and nothing else.

Our servers fetch what instructors type, so every address is looked at as an attack on the network
that they stand in. Nothing is resolved or opened here. Spec: S15.9, S17.3
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

URL_MAX: Final = 2000
HTTPS_PORT: Final = 443
_PRINTABLE = range(0x21, 0x7F)
# Only what the world's registries hand out, without what leads on to other networks.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class AddressRefusedError(Exception):
    """The address may not be read; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """Where a calendar is: a host name in its ASCII form, and what to ask it for."""

    host: str
    target: str

    @property
    def url(self) -> str:
        """The address in one form, for whoever compares two."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}{self.target}"


def parse_address(url: str, *, is_typed: bool = False) -> Address:
    """Return the parts of an address; raises ``AddressRefusedError`` for what is never read.

    Calendar programs hand out ``webcal:`` for the same address; one that is typed may be that.
    """
    text = url.strip() if is_typed else url
    if is_typed and text[:7].lower() == "webcal:":
        text = f"https:{text[7:]}"
    if not 0 < len(text) <= URL_MAX or any(ord(one) < 0x21 or ord(one) == 0x7F for one in text):  # noqa: PLR2004
        raise AddressRefusedError("malformed")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressRefusedError("malformed") from None
    if parts.scheme.lower() != "https":
        raise AddressRefusedError("not_https")
    if "@" in parts.netloc:
        raise AddressRefusedError("credentials")
    if port not in (None, HTTPS_PORT):
        raise AddressRefusedError("port")
    return Address(host=_host(parts), target=_target(parts))


def _host(parts: SplitResult) -> str:
    name = (parts.hostname or "").rstrip(".")
    try:
        host = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        raise AddressRefusedError("malformed") from None
    is_odd = any(one in "%\\" or ord(one) not in _PRINTABLE for one in host)
    if not host or is_odd:
        raise AddressRefusedError("malformed")
    return host


def _target(parts: SplitResult) -> str:
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    return quote(target, safe="/?:@!$&'()*+,;=-._~%[]|")


def is_public(text: str) -> bool:
    """Tell whether a numeric address is one of the public internet.

    Private, loopback, link-local, multicast, shared and reserved ones are not, nor are IPv6 forms
    that carry an IPv4 address. Spec: S15.9
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_ipv4(address)
    return _is_public_ipv6(address)


def _is_public_ipv4(address: IPv4Address) -> bool:
    is_relay = address.packed[:3] == bytes([192, 88, 99])
    return address.is_global and not (address.is_multicast or address.is_reserved or is_relay)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_IPV6)
