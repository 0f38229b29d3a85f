"""A real certificate over a real connection; only where it goes is another (Spec: S15.9)."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bookings.calendars.fetching import Fetcher, FetchError
from instainstru import clock
from tests.bookings.calendars.stage import PUBLIC, answer, calendar

pytestmark = pytest.mark.S15
HOST = "calendar.example"
FILE = calendar("UID:a\nDTSTART:20260303T200000Z\nDTEND:20260303T210000Z")


def _certificate(folder: Path) -> Path:
    """Write a key and its own certificate for the host."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "site.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


class Site:
    """Answers every connection once; notes the name that each asked for."""

    def __init__(self, certificate: Path) -> None:
        self.certificate, self.names = certificate, list[str | None]()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as link:
                    link.recv(4096)
                    link.sendall(answer(FILE))
            except OSError:
                continue

    def connect(self, ip: str, host: str, seconds: float) -> Any:
        """The seam: what would go to the public address comes here."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        try:
            return trusting.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        # Closing alone does not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=30)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(_certificate(tmp_path))
    yield opened
    opened.close()


def fetch(site: Site, host: str) -> bytes:
    return Fetcher(resolve=lambda _: [PUBLIC], connect=site.connect).fetch(f"https://{host}/a.ics")


def test_a_file_comes_over_an_encrypted_connection_to_the_named_site(site: Site) -> None:
    assert fetch(site, HOST) == FILE
    assert site.names == [HOST]


def test_a_site_that_cannot_prove_its_name_is_not_read(site: Site) -> None:
    with pytest.raises(FetchError) as refused:
        fetch(site, "other.example")
    assert refused.value.code == "certificate"
