"""Where a tier's URL points, read strictly. Imports nothing from Django."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from instainstru.database.refusals import TierRefusedError

DEFAULT_PORT: Final = 5432
SCHEMES: Final = frozenset({"postgres", "postgresql"})
# Everything else in a query string can re-aim or re-role a session, so it is refused.
PASSED_OPTIONS: Final = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"}
)


@dataclass(frozen=True, slots=True)
class Location:
    """One database on one server; a `host` beginning with a slash is a socket folder."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(default="", repr=False)
    options: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> tuple[str, int, str]:
        """What must differ between tiers: server and database, spelling evened out."""
        return (_plain_host(self.host), self.port, self.name)


def parse_location(url: str, variable: str) -> Location:
    """Read a PostgreSQL URL with exactly one host and a database name.

    Raises TierRefusedError naming `variable` for anything else: several hosts, a service,
    or parameters that aim a session elsewhere. Spec: S1.4.
    """
    try:
        return _parse(url)
    except ValueError as error:
        message = f"{variable} is not a usable PostgreSQL URL ({error})"
        raise TierRefusedError(message) from None


def _parse(url: str) -> Location:
    parts = urlsplit(url.strip())
    if parts.scheme not in SCHEMES:
        raise ValueError("scheme")
    if "," in parts.netloc.rpartition("@")[2]:
        raise ValueError("several hosts")
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name or "=" in name:
        raise ValueError("database name")
    host, port, options = _read_query(parts.query)
    if host and parts.hostname:
        raise ValueError("host given twice")
    return Location(
        host=unquote(_raw_host(parts.netloc)) or host,
        port=parts.port or port or DEFAULT_PORT,
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        options=options,
    )


def _raw_host(netloc: str) -> str:
    # urlsplit().hostname lower-cases, which would break a percent-encoded socket folder.
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _read_query(query: str) -> tuple[str, int | None, tuple[tuple[str, str], ...]]:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    names = [key for key, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a parameter given twice")
    values = dict(pairs)
    host, port = values.pop("host", ""), values.pop("port", "")
    if host and (not host.startswith("/") or "," in host):
        raise ValueError("host parameter")
    if unknown := sorted(set(values) - PASSED_OPTIONS):
        raise ValueError("parameter " + ", ".join(unknown))
    return host, int(port) if port else None, tuple(sorted(values.items()))


def _plain_host(host: str) -> str:
    plain = host.lower().rstrip(".").rstrip("/")
    if plain in {"", "localhost"} or plain.endswith(".localhost"):
        return "localhost"
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return plain
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "localhost" if address.is_loopback else str(address)
