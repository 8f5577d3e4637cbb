"""Passwords hashed as ever, only with the least that argon2id takes: a login costs a quarter of a second otherwise."""

from argon2 import PasswordHasher

from handlers.staff import passwords

PRODUCTION = passwords._HASHER  # noqa: SLF001 -- kept before the tests put theirs in its place


class QuickHasher(PasswordHasher):
    """argon2id in a tenth of a millisecond."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
