"""What an offline checker remembers of key lists (清单记录): the highest version of each root, so none comes back."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bot.errors import BadValueError
from handlers.keylist.model import KeyList

_NAME = "seen-key-lists.json"


def memory_file(environment: Mapping[str, str]) -> Path:
    """Return where this user's memory lies (记录文件): the state folder of the XDG base directories."""
    # The specification tells to ignore a relative folder.
    folder = Path(environment.get("XDG_STATE_HOME", ""))
    return (folder if folder.is_absolute() else Path("~/.local/state").expanduser()) / "quxiang" / _NAME


class SeenLists:
    """The key lists seen before (见过的密钥清单).

    Args:
        path: the file; it need not be there yet.

    Raises:
        BadValueError: the file is not one of ours; forgetting silently would let an old list back in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _read(path)

    def at_least(self, fingerprint: str) -> int:
        """Return the highest version seen under a root, 0 for none."""
        return self._seen.get(fingerprint, (0, ""))[0]

    def is_other_root(self, listed: KeyList) -> bool:
        """Tell whether this host's lists came from another root until now."""
        roots = {root for root, (_, host) in self._seen.items() if host == listed.host}
        return bool(roots) and listed.fingerprint not in roots

    def remember(self, listed: KeyList, *, is_pinned: bool) -> None:
        """Remember a list that was accepted.

        Args:
            listed: the list.
            is_pinned: its root was demanded by a person, so it takes the place of other roots of the host.

        Raises:
            OSError: the file cannot be written.
        """
        seen = (max(listed.version, self.at_least(listed.fingerprint)), listed.host)
        others = {root for root, (_, host) in self._seen.items() if host == listed.host} - {listed.fingerprint}
        superseded = others if is_pinned else set()
        if self._seen.get(listed.fingerprint) == seen and not superseded:
            return
        self._seen = {root: known for root, known in self._seen.items() if root not in superseded}
        self._seen[listed.fingerprint] = seen
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        text = {root: {"version": version, "host": host} for root, (version, host) in self._seen.items()}
        beside.write_text(json.dumps(text, ensure_ascii=False, indent=1) + "\n", "utf-8")
        beside.replace(self._path)


def _read(path: Path) -> dict[str, tuple[int, str]]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(root): (int(each["version"]), str(each["host"])) for root, each in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise BadValueError(
            f"见过的清单记录 {path} 读不出来：请修好或删除它（删除后不再防旧清单），或用 --no-memory"
        ) from None
