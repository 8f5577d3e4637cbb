"""The curve of Ed25519 in plain numbers, for the vectors no honest signer would make (RFC 8032, section 5.1)."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, P - 2, P) % P
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(one: Point, other: Point) -> Point:
    """Add two points."""
    (x1, y1), (x2, y2) = one, other
    product = _D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P) % P
    return x, y


def times(factor: int, point: Point) -> Point:
    """Multiply a point."""
    total = IDENTITY
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def written(point: Point) -> bytes:
    """Write a point as 32 bytes."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def read(raw: bytes) -> Point:
    """Read a point that was written canonically."""
    number = int.from_bytes(raw, "little")
    y, sign = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT_OF_MINUS_ONE % P
    assert (x * x - square) % P == 0, "no point"
    return (x if x & 1 == sign else P - x), y


BASE = read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
ORDER_EIGHT = read(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))


def secret_of(seed: bytes) -> int:
    """Return the secret number of a 32-byte seed."""
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return number & ((1 << 254) - 8) | 1 << 254


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    """Return the number that binds point, key and message."""
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def sign(seed: bytes, message: bytes, *, nonce: int, blemish: Point = IDENTITY) -> bytes:
    """Sign with a nonce of one's choice, and a point added to R that does not belong there."""
    secret = secret_of(seed)
    public = written(times(secret, BASE))
    r = written(add(times(nonce, BASE), blemish))
    return r + ((nonce + challenge(r, public, message) * secret) % L).to_bytes(32, "little")
