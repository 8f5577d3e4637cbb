"""The error tree: every error of ours says what was wrong and how to mend it, never with personal data."""


class QuxiangError(Exception):
    """The root of all errors of this project; its text is fit to be shown to staff."""


class RuleError(QuxiangError):
    """A rule of the journey forbids the step; ``key`` names the sentence for the person (texts.zh.toml)."""

    def __init__(self, key: str, message: str = "") -> None:
        super().__init__(message or key)
        self.key = key


class BadValueError(QuxiangError, ValueError):
    """A value given from outside is not acceptable; the text says why, without repeating the value."""


class MovedError(QuxiangError):
    """Somebody else wrote the same row first (compare-and-swap failed): load again and retry."""


class TransportError(QuxiangError):
    """A call to an outside system failed.

    Attributes:
        permanent: True when trying again cannot help.
        code: the vendor's own code, 0 if there was none.
    """

    def __init__(self, message: str, *, permanent: bool = False, code: int = 0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.code = code
