"""Strict signatures (验签): Ed25519 as every program that checks our codes must judge it, the browser's included.

Libraries disagree about points of small order: under such a key anybody can sign, and OpenSSL says yes. RFC 8032 leaves
it open, so it is decided here: such a key or such an R signs nothing. The same goes for a y that is not reduced.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P: Final = 2**255 - 19
_Y_OF_ORDER_EIGHT: Final = int("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
_SMALL: Final = frozenset({0, 1, _P - 1, _Y_OF_ORDER_EIGHT, _P - _Y_OF_ORDER_EIGHT})


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether the 32-byte public key signed the message (验签)."""
    if _is_weak(public) or _is_weak(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _is_weak(point: bytes) -> bool:
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y >= _P or y in _SMALL
