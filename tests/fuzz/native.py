"""The same targets under atheris, which sees which lines an input reaches: ``python -m tests.fuzz.native TARGET …``.

Optional: ``pip install atheris``. What follows the target goes to libFuzzer, e.g. ``-max_total_time=3600 FOLDER``.
"""

import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from tests.fuzz.target import Target


def main(name: str, arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["bot", "handlers", "storage", "defusedxml", "wechatpy", "itsdangerous"]):
        targets: Any = importlib.import_module("tests.fuzz.targets").TARGETS
    logging.disable(logging.CRITICAL)
    target: Target = targets[name]
    bounded = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    fuzzed: Any = bounded(given(target.inputs)(target.run))
    atheris.Setup([sys.argv[0], *arguments], fuzzed.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
