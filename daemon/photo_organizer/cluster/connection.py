"""Where a scheduler may be, and how it is talked to: over TLS, or on this machine alone."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from photo_organizer.cluster.certificates import AUTHORITY, certificate_files
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from distributed import Client, Security


CONNECT_SECONDS = 20
_PROBE_SECONDS = 10.0


class ClusterError(OrganizerError):
    """The cluster cannot be used."""


def check_installed() -> None:
    """Make sure that Dask is there.

    Raises:
        ClusterError: it is not.
    """
    try:
        import distributed  # noqa: F401, PLC0415 (whether it is there)
    except ImportError as error:
        remedy = "install it with: pip install 'smart-photo-organizer[cluster]'"
        raise ClusterError("the extra `cluster` is not installed", remedy=remedy) from error
    # what matters is said by us, on one line; Dask logs each lost connection with a traceback
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("tornado").setLevel(logging.CRITICAL)


def check_address(address: str, tls_directory: Path | None, role: str = "client") -> str:
    """Return the host of a scheduler's address; `role` says whose certificate has to be there.

    Raises:
        ClusterError: it is no such address, or would be talked to over a network without TLS.
    """
    parts = urlsplit(address)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme not in {"tcp", "tls"} or not host or not port or parts.path not in {"", "/"}:
        raise ClusterError("is not the address of a scheduler", where=address, remedy="write tls://HOST:8786")
    if parts.scheme == "tls":
        if tls_directory is None:
            remedy = "name the folder of the certificates with --tls-dir"
            raise ClusterError("TLS needs certificates", where=address, remedy=remedy)
        for file in certificate_files(tls_directory, role):
            if not file.is_file():
                remedy = f"make the certificates with `{typed('cluster-certificates DIR')}`"
                raise ClusterError("is not there", where=file, remedy=remedy)
    elif not _is_loopback(host):
        remedy = f"use tls://{host}:{port} with --tls-dir"
        raise ClusterError("without TLS a scheduler must be on this machine", where=address, remedy=remedy)
    return host


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, as it is written: what a name server says is not relied on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def security(tls_directory: Path | None, *, is_tls: bool) -> Security | None:
    """Return the certificates for Dask: both sides show theirs, and nothing goes without encryption."""
    from distributed import Security  # noqa: PLC0415 (an extra)

    if not is_tls or tls_directory is None:
        return None
    files: dict[str, str] = {"tls_ca_file": str(tls_directory / f"{AUTHORITY}.pem")}
    for role in ("scheduler", "worker", "client"):
        certificate, key, _ = certificate_files(tls_directory, role)
        if certificate.is_file() and key.is_file():
            files |= {f"tls_{role}_cert": str(certificate), f"tls_{role}_key": str(key)}
    return Security(require_encryption=True, **files)


def connect(address: str, tls_directory: Path | None) -> Client:
    """Connect to the scheduler at `address`, which has been checked.

    Raises:
        ClusterError: it cannot be reached, or one side does not accept the other's certificate.
    """
    from distributed import Client  # noqa: PLC0415 (an extra)

    own = security(tls_directory, is_tls=address.startswith("tls:"))
    try:
        probe(address, own, "client")
        return Client(
            address,
            security=own,
            timeout=CONNECT_SECONDS,
            set_as_default=False,
        )
    except Exception as error:  # of Dask's, of many kinds
        remedy = "check that it runs, and that its certificate and yours are of one authority"
        what = f"the scheduler cannot be reached ({innermost(error)})"
        raise ClusterError(what, where=address, remedy=remedy) from error


def probe(address: str, own: Security | None, role: str) -> None:
    """Connect to a scheduler once: Dask itself would try again and again with a certificate that is refused.

    Raises:
        OSError: it does not listen, or one side does not accept the other's certificate.
    """
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), _PROBE_SECONDS) as connection:
        if own is None:
            return
        context: ssl.SSLContext = own.get_connection_args(role)["ssl_context"]
        with context.wrap_socket(connection) as encrypted:
            # what the other side thinks of our certificate comes after the handshake; Dask says hello first
            encrypted.settimeout(_PROBE_SECONDS)
            if not encrypted.recv(1):
                raise ConnectionResetError("the connection was closed")


def innermost(error: BaseException) -> str:
    """Return the first cause of an error on one line: Dask wraps what went wrong several times."""
    while error.__cause__ is not None:
        error = error.__cause__
    return printable(" ".join(str(error).split())) or type(error).__name__
