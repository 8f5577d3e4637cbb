"""Places (异常位置): where an exception came up, for a log line; never what it says, which may quote a person."""

import traceback
from pathlib import Path


def places_of(error: BaseException | None) -> str:
    """Return classes and places of an exception and its causes (异常位置), outermost first; never their texts."""
    parts: list[str] = []
    while error is not None and len(parts) < 8:
        frames = traceback.extract_tb(error.__traceback__)
        places = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        parts.append(f"{type(error).__module__}.{type(error).__qualname__} at {places}")
        error = error.__cause__ or error.__context__
    return " from ".join(parts)
