"""Addresses with TLS: a server counts only with a certificate of a known authority, for the name that was asked for."""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.program import Program
from tests.services.ports import LOOPBACK

ADDRESSES = {
    "DATABASE_URL": "mysql://penchant:hidden@{at}/penchant?ssl_ca={ca}",
    "RABBITMQ_DSN": "amqps://penchant:hidden@{at}/%2f",
    "MONGODB_URL": "mongodb://penchant:hidden@{at}/?tls=true&tlsCAFile={ca}&serverSelectionTimeoutMS=1000",
    "REDIS_URL": "rediss://penchant:hidden@{at}/0?ssl_ca_certs={ca}",
}
"""As docs/security.md has them."""
CAPABILITIES = 0x0001 | 0x0008 | 0x0200 | 0x0800 | 0x8000 | 0x80000
"""Of a server of MySQL: long passwords, a database, protocol 4.1, TLS, secure authentication, by plug-ins."""


@define(kw_only=True)
class Impostor:
    """Says that it is a server, and shows a certificate to whoever wants TLS."""

    certificate: Path
    greeting: bytes
    """What it says before TLS begins."""
    trusted: int = 0
    """Clients that went on after they had seen the certificate."""
    plain: int = 0
    """Clients that did not want TLS."""
    _listener: socket.socket = field(factory=lambda: socket.create_server((LOOPBACK, 0)))

    @property
    def at(self) -> str:
        return f"{LOOPBACK}:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Until it is closed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                if self.greeting:
                    connection.sendall(self.greeting)
                    if connection.recv(36)[:1] != b"\x20":  # the length of a request for TLS; a login is longer
                        self.plain += 1
                        continue
                with context.wrap_socket(connection, server_side=True):
                    self.trusted += 1

    def close(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def impostor(certificate: Path, setting: str) -> Iterator[Impostor]:
    server = Impostor(certificate=certificate, greeting=_greeting() if setting == "DATABASE_URL" else b"")
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


@pytest.mark.parametrize("setting", list(ADDRESSES))
@pytest.mark.parametrize(
    ("name", "is_known", "is_trusted"),
    [(LOOPBACK, True, True), (LOOPBACK, False, False), ("192.0.2.1", True, False)],
    ids=["right", "unknown-authority", "another-name"],
)
def test_nobody_else_is_taken_for_the_server(
    program: Program, tmp_path: Path, setting: str, name: str, is_known: bool, is_trusted: bool
) -> None:
    authority, stranger = Authority(), Authority()
    known = tmp_path / "ca.pem"
    known.write_bytes((authority if is_known else stranger).pem)
    (tmp_path / "server.pem").write_bytes(authority.certificate_for(name))
    program.ok("setup")
    with impostor(tmp_path / "server.pem", setting) as server:
        url = ADDRESSES[setting].format(at=server.at, ca=known)
        outcome = program.run("doctor", **{setting: url, "SSL_CERT_FILE": str(known)})

    assert outcome.code == 1
    assert "hidden" not in outcome.stdout + outcome.stderr
    assert (server.trusted > 0, server.plain) == (is_trusted, 0)


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        self._certificate = self._signed(self._name, self._key.public_key(), x509.BasicConstraints(True, None))

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def certificate_for(self, address: str) -> bytes:
        """A key, and the certificate of a server at an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server")])
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        signed = self._signed(name, key.public_key(), alternative)
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return secret + signed.public_bytes(serialization.Encoding.PEM)

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())


def _greeting() -> bytes:
    """Protocol::HandshakeV10, with which a server of MySQL begins."""
    low, high = CAPABILITIES & 0xFFFF, CAPABILITIES >> 16
    said = b"\x0a10.11.0-MariaDB\0" + struct.pack("<I", 1) + b"a" * 8 + b"\0"
    said += struct.pack("<HBHHB", low, 45, 2, high, 21) + bytes(10) + b"b" * 12 + b"\0mysql_native_password\0"
    return struct.pack("<I", len(said))[:3] + b"\0" + said
