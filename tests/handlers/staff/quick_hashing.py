"""Passwords hashed as ever, only with the least that argon2id takes."""

from argon2 import PasswordHasher


class QuickHasher(PasswordHasher):
    """argon2id in a tenth of a millisecond."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
