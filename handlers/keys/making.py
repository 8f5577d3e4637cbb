"""Making the keys (生成密钥): everything a first installation needs, or what an older folder lacks."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from handlers.keylist.model import KeyList, KeyState, QrKey, ReportKey
from handlers.keys.changing import Publisher, new_report_key, replace_lost
from handlers.keys.folder import LIST, MASTER, ROOT, KeyFolder, KeysError, qr_name
from handlers.keys.ring import public_of

_NOBODY = Publisher("localhost", "localhost")


def make_keys(folder: Path, publisher: Publisher = _NOBODY) -> bool:
    """Make the keys that are not there yet; False if there was nothing to do. Existing keys are never touched.

    A lost signing key is replaced by a new one and stays listed as a former one, so that what it signed stays genuine.

    Args:
        folder: the key folder.
        publisher: who the key list speaks for; used for a new list only.

    Raises:
        KeysError: a file is lost that only a backup can bring back.
    """
    place = KeyFolder(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    with place.locked():
        if place.has(LIST):
            if not place.has(MASTER):
                raise KeysError(f"缺少密钥文件 {folder / MASTER}：已加密的数据离不开它，请从备份恢复")
            return replace_lost(place, now)
        if place.has(ROOT):
            raise KeysError(
                f"缺少密钥清单 {folder / LIST}：请从备份恢复，或从核验网站的 /.well-known/quxiang-keys.json 下载放回。"
                "重新编一份会让见过旧清单的人都拒绝它"
            )
        _make_all(place, publisher, now)
        return True


def _make_all(place: KeyFolder, publisher: Publisher, now: datetime) -> None:
    """Make everything; a start that was broken off is taken up again, because the list is what counts."""
    for name in (MASTER, qr_name(1), qr_name(2)):
        if not place.has(name):
            place.write_seed(name, secrets.token_bytes(32))
    qr = tuple(
        QrKey(kid, public_of(place.read_seed(qr_name(kid))), state, now)
        for kid, state in ((1, KeyState.CURRENT), (2, KeyState.NEXT))
    )
    report = (ReportKey(new_report_key(place, publisher.issuer, now), KeyState.CURRENT, now),)
    seed = secrets.token_bytes(32)
    root = Ed25519PrivateKey.from_private_bytes(seed)
    listed = KeyList(1, now, publisher.issuer, publisher.host, root.public_key().public_bytes_raw(), qr, report)
    # The root waits beside its place until the list is there: a root without a list means that a list was lost.
    place.prepare_seed(ROOT, seed)
    place.write(LIST, listed.sign(root).encode())
    place.settle(ROOT)
