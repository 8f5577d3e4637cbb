"""The secret keys (密钥): kept in a folder of their own, never in the repository or the database.

``master.key`` encrypts; ``qr-ed25519-<kid>.key`` sign the codes on reports; ``report-p256-<n>.key`` and ``.crt`` seal
the files; ``root-ed25519.key`` signs the key list and may be kept offline; ``keys.json`` is that list, as published.
"""

from handlers.keys.folder import KeysError
from handlers.keys.making import make_keys
from handlers.keys.ring import KeyRing, read_keys

__all__ = ["KeyRing", "KeysError", "make_keys", "read_keys"]
