"""The emulator's own certificate authority, kept in the data folder, so trust outlives a restart."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

import trustme

from declarative_kv.emulator.host.folder import CERTIFICATE
from declarative_kv.emulator.hostnames import GRAPH, LOGIN, RESOURCE_MANAGER, VAULT_SUFFIXES

_KEY: Final = "ca-key.pem"


def authority(folder: Path) -> trustme.CA:
    """The data folder's authority, made on first use; the certificate is `ca.pem`, its key 0600."""
    certificate, key = folder / CERTIFICATE, folder / _KEY
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name="dkv emulator", organization_unit_name="not for any real host")
    # The certificate comes last: where it exists, the key does.
    _write(key, made.private_key_pem.bytes())
    _write(certificate, made.cert_pem.bytes())
    return made


def server_context(issuer: trustme.CA) -> ssl.SSLContext:
    """A TLS context whose fresh certificate names every host the emulator stands in for."""
    names = sorted(LOGIN | RESOURCE_MANAGER | GRAPH | {f"*{suffix}" for suffix in VAULT_SUFFIXES})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    issuer.issue_cert(*names).configure_cert(context)
    return context


def _write(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by its owner only."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
