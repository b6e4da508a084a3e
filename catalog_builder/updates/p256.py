"""A public key, a message and a signature enter; whether the signature holds leaves: ECDSA over P-256 with SHA-256.

Only for checking: nothing here is secret, so plain integers serve, and no environment needs a library for it.
The curve is that of FIPS 186-4, appendix D.1.2.3; the check that of its section 6.4.
"""

import base64
import hashlib

P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff            # the field
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551        # of the base point
B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b            # y^2 = x^3 - 3 x + B
BASE = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
        0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5, 1)
HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")    # of a SubjectPublicKeyInfo, P-256
SIDE = 32                                    # bytes of a coordinate, and of r and s
Point = tuple[int, int, int]                 # Jacobian: x / z^2, y / z^3; z = 0 is the point at infinity
INFINITY: Point = (1, 1, 0)


def point(key: str) -> Point | None:
    """The point of a public key, base64 of its SubjectPublicKeyInfo; None for anything else."""
    try:
        content = base64.b64decode(key, validate=True)
    except ValueError:
        return None
    if len(content) != len(HEAD) + 2 * SIDE or not content.startswith(HEAD):
        return None
    x, y = _number(content[len(HEAD):-SIDE]), _number(content[-SIDE:])
    on_curve = x < P and y < P and (y * y - x * x * x + 3 * x - B) % P == 0
    return (x, y, 1) if on_curve else None


def holds(key: str, message: bytes, signature: bytes) -> bool:
    """Whether `signature`, 64 bytes, r then s, is that of `message` by the key's owner."""
    public = point(key)
    if public is None or len(signature) != 2 * SIDE:
        return False
    r, s = _number(signature[:SIDE]), _number(signature[SIDE:])
    if not (0 < r < ORDER and 0 < s < ORDER):
        return False
    inverse = pow(s, -1, ORDER)
    digest = _number(hashlib.sha256(message).digest())
    x, _, z = _sum(_times(BASE, digest * inverse % ORDER), _times(public, r * inverse % ORDER))
    return z != 0 and x * pow(z, -2, P) % P % ORDER == r


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")


def _times(of: Point, factor: int) -> Point:
    """The point added to itself so many times."""
    made = INFINITY
    for bit in bin(factor)[2:]:
        made = _twice(made)
        if bit == "1":
            made = _sum(made, of)
    return made


def _twice(of: Point) -> Point:
    x, y, z = of
    if z == 0 or y == 0:
        return INFINITY
    square, slope = y * y, 3 * (x - z * z) * (x + z * z)
    middle = 4 * x * square
    new_x = (slope * slope - 2 * middle) % P
    return new_x, (slope * (middle - new_x) - 8 * square * square) % P, 2 * y * z % P


def _sum(one: Point, other: Point) -> Point:
    (x1, y1, z1), (x2, y2, z2) = one, other
    if z1 == 0 or z2 == 0:
        return other if z1 == 0 else one
    u1, u2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P
    s1, s2 = y1 * z2 ** 3 % P, y2 * z1 ** 3 % P
    if u1 == u2:
        return _twice(one) if s1 == s2 else INFINITY
    width, height = u2 - u1, s2 - s1
    cube, middle = width ** 3, u1 * width * width
    x = (height * height - cube - 2 * middle) % P
    return x, (height * (middle - x) - s1 * cube) % P, width * z1 * z2 % P
