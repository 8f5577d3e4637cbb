"""A school for the proofs of the ledger: many graduates, a broadcast, workers that can be killed, a distant WeChat.

Workers are real: the installation of the settings file, each in a process of its own, as ``quxiang worker`` runs it.
"""

import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import Engine, func, select, update

from app import build
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import OPEN, DeliveryState
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from handlers.keys import make_keys
from handlers.sandbox import DEMO_TEMPLATE_ID, Account, ChsiOptions
from handlers.settings import read_settings
from storage.engine import open_engine
from storage.notice_tables import broadcast, delivery, sender_beat
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.handlers.sandbox.process import Distant, running

TEMPLATE_PATH = "message/template/send"
BROADCAST = "b" * 32
_AES_KEY = "ChaosAesKey0629ChaosAesKey0629ChaosAesKey06"
_ACCOUNT = Account(
    "wx2023chaos0629", "chaos-app-secret-0629", "chaostoken0629", _AES_KEY, "gh_chaos", "http://127.0.0.1:9/wechat"
)
_CONFIG = """
[server]
public_url = "http://127.0.0.1:9"
[database]
url = "{database}"
[keys]
folder = "{folder}/keys"
[wechat]
app_id = "{account.app_id}"
app_secret = "{account.app_secret}"
tokens = ["{account.token}"]
aes_keys = ["{account.encoding_aes_key}"]
api_base = "{url}/sandbox/platform"
notice_template = "{template}"
[worker]
pause_seconds = {pause}
[notices]
per_second = {per_second}
senders = {senders}
"""
# A server that has loaded everything once forks each worker within milliseconds, and has no threads to get in the way.
_WORKERS = multiprocessing.get_context("forkserver")
_WORKERS.set_forkserver_preload(["tests.chaos.school"])


@dataclass
class School:
    """A school in the middle of a broadcast.

    Attributes:
        url: of the database.
        config: the settings the workers read.
        sandbox: the distant WeChat.
        openids: of all recipients.
        engine: of the onlooker; workers have their own.
        work: units of work of the onlooker.
    """

    url: str
    config: Path
    sandbox: Distant
    openids: Sequence[str]
    engine: Engine
    work: SqlWork
    workers: list[BaseProcess] = field(default_factory=list)

    # -- workers -----------------------------------------------------------------------------------

    def start(self, count: int = 1) -> None:
        """Start so many workers more."""
        for _ in range(count):
            process = _WORKERS.Process(target=_work, args=(self.config,), daemon=True)
            process.start()
            self.workers.append(process)

    def kill(self, place: int) -> None:
        """Kill a worker as nobody can prevent."""
        process = self.workers.pop(place % len(self.workers))
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()

    def stop(self) -> None:
        """End all workers as a deploy does; kill whoever does not listen."""
        for process in self.workers:
            process.terminate()
        for process in self.workers:
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()
        self.workers.clear()

    # -- the ledger --------------------------------------------------------------------------------

    def states(self) -> Counter[DeliveryState]:
        """Return how many deliveries are in which state now."""
        statement = select(delivery.c.state, func.count()).group_by(delivery.c.state)
        with self.engine.connect() as connection:
            return Counter({DeliveryState[state]: count for state, count in connection.execute(statement)})

    def by_openid(self) -> dict[str, DeliveryState]:
        """Return the state of each recipient's delivery."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(delivery.c.openid, delivery.c.state))
            return {openid: DeliveryState[state] for openid, state in rows}

    def held(self) -> set[tuple[str, str]]:
        """Return the deliveries that some worker holds now, each with its owner."""
        held = (DeliveryState.LEASED.name, DeliveryState.SENDING.name)
        statement = select(delivery.c.id, delivery.c.lease_owner).where(delivery.c.state.in_(held))
        with self.engine.connect() as connection:
            return {(id_, owner) for id_, owner in connection.execute(statement)}

    def sent_since(self, moment: datetime) -> int:
        """Return how many attempts began after a moment."""
        statement = select(func.count()).select_from(delivery).where(delivery.c.sending_at > moment)
        with self.engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def is_frozen(self) -> bool:
        """Tell whether the whole audience stands in the ledger."""
        with self.engine.connect() as connection:
            return connection.scalar(select(broadcast.c.frozen_at)) is not None

    def is_over(self) -> bool:
        """Tell whether nothing is left to do."""
        states = self.states()
        return self.is_frozen() and not any(states[state] for state in OPEN)

    def move(self, to: str) -> None:
        """Pause or resume the broadcast, as the console does."""
        with self.work.writing() as uow:
            found = uow.broadcasts.by_id(BROADCAST)
            assert found is not None
            uow.broadcasts.save(found, found.pause() if to == "pause" else found.resume())
            uow.commit()

    def age(self, *, minutes: float) -> None:
        """Let the database be so old, as a backup is that was made then."""
        long_ago = datetime.now(UTC) - timedelta(minutes=minutes)
        with self.engine.begin() as connection:
            connection.execute(update(sender_beat).values(at=long_ago))

    def reopen(self) -> None:
        """Let somebody click 恢复发送."""
        with self.work.writing() as uow:
            assert uow.halts.lift(None)
            uow.commit()

    def cpu_seconds(self) -> float:
        """Return what the workers that ended well have spent, their start left out."""
        return sum(float(spent.read_text("utf-8")) for spent in self.config.parent.glob("cpu-*"))


@contextmanager
def raised(
    folder: Path, url: str, count: int, per_second: float = 400, senders: int = 2, pause: float = 0.1
) -> Iterator[School]:
    """Raise a school of so many bound graduates who have not confirmed, on a migrated and empty database."""
    make_keys(folder / "keys")
    with running(_ACCOUNT, ChsiOptions("chaos-chsi-secret-0629", "http://127.0.0.1:9/chsi/callback")) as sandbox:
        sandbox.set("reports", "lost")
        openids = sandbox.ask("crowd", count)
        config = folder / "config.toml"
        words = {"database": url, "folder": folder, "account": _ACCOUNT, "url": sandbox.url}
        words |= {"pause": pause, "template": DEMO_TEMPLATE_ID, "per_second": per_second, "senders": senders}
        config.write_text(_CONFIG.format(**words), "utf-8")
        _fill(config, openids)
        installation = build(read_settings(config, {}))
        engine = open_engine(url)
        school = School(url, config, sandbox, openids, engine, installation.work)
        installation.engine.dispose()
        try:
            yield school
        finally:
            school.stop()
            engine.dispose()
            installation.engine.dispose()


def _fill(config: Path, openids: Sequence[str]) -> None:
    installation = build(read_settings(config, {}))
    today = datetime.now(UTC).date()
    author = Signature("a" * 32, "王老师", datetime.now(UTC))
    made = Broadcast(BROADCAST, "chaos", Message("请确认去向", "{姓名}同学，请确认。"), Audience(UNCONFIRMED), author)
    with installation.work.writing() as uow:
        uow.seasons.save(_season(today))
        for start in range(0, len(openids), 1000):
            uow.registry.add_many(
                [_dossier(start + n, openid) for n, openid in enumerate(openids[start : start + 1000])]
            )
        uow.broadcasts.add(replace(made, state=BroadcastState.SCHEDULED))
        uow.commit()
    installation.client.close()
    installation.engine.dispose()


def _season(today: date) -> Season:
    day = timedelta(days=1)
    return replace(
        people.SEASON,
        id="chaos",
        opens=today - day,
        closes=today + 5 * day,
        cutoff=today + 4 * day,
        changes_until=today + 60 * day,
    )


def _dossier(number: int, openid: str) -> Dossier:
    who = people.graduate(f"C{number:06}", "王小明", f"11010119990101{number % 10000:04}")
    return replace(people.ready(openid), id=uuid.uuid4().hex, season_id="chaos", graduate=who)


def _work(config: Path) -> None:
    """Be a worker until killed or told to stop."""
    installation = build(read_settings(config, {}))
    worker = installation.worker
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    begin = time.process_time()
    worker.run()
    spent = config.with_name(f"cpu-{os.getpid()}")
    spent.write_text(str(time.process_time() - begin), "utf-8")


def until(holds: Callable[[], bool], seconds: float, every: float = 0.05) -> float | None:
    """Wait until something holds; return after how many seconds, or None if it never did."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if holds():
            return time.monotonic() - begin
        threading.Event().wait(every)
    return None
