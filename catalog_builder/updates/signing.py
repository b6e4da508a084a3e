"""A private key, or a command that has one, enters; a function that signs leaves: ECDSA over P-256 with SHA-256.

Only what holds a private key here needs the package `cryptography` (requirements-publish.lock).
"""

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING

from catalog_builder.updates import p256
from catalog_builder.updates.p256 import SIDE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

Signer = Callable[[bytes], bytes]            # message; r, then s, each 32 bytes


def new_key() -> "EllipticCurvePrivateKey":
    """A private key that nobody knows."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


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
