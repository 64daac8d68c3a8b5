"""Certificates for a cluster: an authority of its own, and one each for scheduler, workers and client."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.errors import OrganizerError
from photo_organizer.files import PRIVATE

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

AUTHORITY = "ca"
ROLES = ("scheduler", "worker", "client")
VALID_DAYS = 3650
FOLDER_MODE = 0o700


def certificate_files(folder: Path, role: str) -> tuple[Path, Path, Path]:
    """Return the files that a role needs: its certificate, its key, and the authority's certificate."""
    return folder / f"{role}.pem", folder / f"{role}-key.pem", folder / f"{AUTHORITY}.pem"


def make_certificates(folder: Path) -> list[Path]:
    """Make an authority and certificates for all roles in `folder`; return the files.

    All files are readable by their owner alone.

    Raises:
        OrganizerError: certificates are there already, or the folder cannot be written.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 (an extra)
    except ImportError as error:
        remedy = "install it with: pip install 'smart-photo-organizer[cluster]'"
        raise OrganizerError("the extra `cluster` is not installed", remedy=remedy) from error
    written: list[Path] = []
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for name in (AUTHORITY, *ROLES):
            for file in certificate_files(folder, name)[:2]:
                if os.path.lexists(file):
                    remedy = "name another folder: certificates in use are not replaced"
                    raise OrganizerError("is there already", where=file, remedy=remedy)
        authority_key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate(AUTHORITY, authority_key, None, authority_key)
        written += _write(folder, AUTHORITY, authority, authority_key)
        for role in ROLES:
            key = ec.generate_private_key(ec.SECP256R1())
            written += _write(folder, role, _certificate(role, key, authority, authority_key), key)
    except OSError as error:
        raise OrganizerError(
            f"cannot be written: {error.strerror}", where=error.filename or folder
        ) from error
    return written


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: EllipticCurvePrivateKey,
) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415 (an extra)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"photo-organizer {name}")])
    now = datetime.now(UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), True)  # noqa: FBT003
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)  # noqa: FBT003
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            False,  # noqa: FBT003
        )
    )
    if is_authority:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, True)  # noqa: FBT003
    return builder.sign(issuer_key, hashes.SHA256())


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: EllipticCurvePrivateKey
) -> list[Path]:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 (an extra)
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    certificate_file, key_file, _ = certificate_files(folder, name)
    _write_new(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write_new(certificate_file, certificate.public_bytes(Encoding.PEM))
    return [certificate_file, key_file]


def _write_new(path: Path, contents: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, PRIVATE), "wb") as file:
        os.fchmod(file.fileno(), PRIVATE)
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
