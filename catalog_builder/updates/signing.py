"""A private key, or a command that has one, enters; a function that signs leaves: ECDSA over P-256 with SHA-256.

Only what holds a private key here needs the package `cryptography` (requirements-publish.lock).
"""

import base64
import contextlib
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from catalog_builder.updates import p256
from catalog_builder.updates.p256 import SIDE
from export.common.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Signer = Callable[[bytes], bytes]            # message; r, then s, each 32 bytes


def new_key() -> "EllipticCurvePrivateKey":
    """A private key that nobody knows. Raises InputError without the package."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise _lacking() from None
    return ec.generate_private_key(ec.SECP256R1())


def write_new_key(path: Path) -> str:
    """Makes a private key, in a file that its owner alone may read. Gives the public half.

    Raises InputError if there is such a file: a key is never written over.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = new_key()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError("a key is never written over", where=path,
                         remedy="KEY=another file, or move this one to a safe place") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return public_half(key)


def read_key(path: Path) -> "EllipticCurvePrivateKey":
    """The private key in a PEM file. Raises InputError for anything but one for P-256, without a password."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise _lacking() from None
    expected = "a private key for P-256 in PEM, without a password"
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError("cannot read the key", where=path, found=error.strerror,
                         remedy=f"make key KEY={path}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("no key", where=path, expected=expected, found=error) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InputError("no key that the apps know", where=path, expected=expected, found=type(key).__name__)
    return key


def _lacking() -> InputError:
    return InputError("the package cryptography is not there", expected="what requirements-publish.lock pins",
                      remedy="make key or make sign installs it; or sign with COMMAND=")


def by_command(command: str) -> Signer:
    """Signs by a command: it gets the message on stdin, and answers DER or 64 bytes."""
    def signed(message: bytes) -> bytes:
        try:
            answer = subprocess.run(shlex.split(command), input=message, capture_output=True)
        except (OSError, ValueError) as error:
            raise InputError("the signing command does not run", found=error, where=command) from None
        if answer.returncode:
            raise InputError("the signing command failed", where=command,
                             found=answer.stderr.decode(errors="replace").strip()[-200:] or answer.returncode)
        try:
            return answer.stdout if len(answer.stdout) == 2 * SIDE else raw(answer.stdout)
        except ValueError:
            raise InputError("the signing command answered no signature", where=command,
                             expected="DER, or 64 bytes", found=f"{len(answer.stdout):,} bytes") from None

    return signed


def public_keys(given: str) -> list[str]:
    """The public keys of a file, one on each line, or of a text. Raises InputError for anything else."""
    path = Path(given)
    lines = [given] if p256.point(given) else path.read_text(encoding="utf-8").split() if path.is_file() else []
    if not lines or not all(p256.point(line) for line in lines):
        raise InputError("no public key", where=given[:200], expected="base64 of 91 bytes, or a file with such lines",
                         remedy="make key KEY=file prints it")
    return lines


def public_half(key: "EllipticCurvePrivateKey") -> str:
    """What the apps hold: base64 of the SubjectPublicKeyInfo, 91 bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    content = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(content).decode()


def signer(key: "EllipticCurvePrivateKey") -> Signer:
    """Signs with this key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return lambda message: raw(key.sign(message, ec.ECDSA(hashes.SHA256())))


def raw(der: bytes) -> bytes:
    """r, then s, of a signature in DER. Raises ValueError for anything else."""
    numbers, rest = [], _content(der, 0x30)
    while rest:
        number = _content(rest, 0x02, whole=False)
        rest = rest[2 + len(number):]
        numbers.append(int.from_bytes(number, "big", signed=True))
    if len(numbers) != 2 or not all(0 < number < p256.ORDER for number in numbers):
        raise ValueError("DER without two positive numbers")
    return b"".join(number.to_bytes(SIDE, "big") for number in numbers)


def _content(der: bytes, tag: int, whole: bool = True) -> bytes:
    """What an element holds, whose length is one byte. Raises ValueError for anything else."""
    if len(der) < 2 or der[0] != tag or der[1] > 127 or len(der) < 2 + der[1] or whole and len(der) != 2 + der[1]:
        raise ValueError("no DER")
    return der[2:2 + der[1]]
