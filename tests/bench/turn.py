"""What a turn costs: CPU µs per message through the whole application, safe mode, real flow, embedded database.

.venv/bin/python -m tests.bench.turn [WALKS]

"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path
from urllib.parse import urlencode

from wechatpy.crypto import WeChatCrypto
from werkzeug.test import Client

import app
from bot.registration.season import day_of
from bot.use_cases.import_roster import Importing, import_roster
from handlers.demo import DemoFolder, demo_season, write_config
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.roster.demo import demo_roster
from handlers.roster.reading import read_lines
from handlers.roster.writing import write_roster
from handlers.settings import Settings, read_settings
from storage.migrating import migrate

Person = tuple[str, str, str]
"""Student number, name, last six characters."""


def installation(folder: Path, people: int) -> tuple[Installation, list[Person]]:
    """Make an installation with graduates who can go straight to a verification."""
    place = DemoFolder(folder)
    write_config(place, 8000)
    settings = read_settings(place.config, {})
    make_keys(settings.keys.folder)
    made = app.build(settings)
    migrate(settings.database.url.get_secret_value())
    now = app.now()
    season = demo_season(day_of(now))
    with made.work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()
    write_roster(place.roster, demo_roster(day_of(now), people * 12).rows)
    importing = Importing(made.work, season, now, app.new_id, lambda *_: None)
    import_roster(read_lines(place.roster), importing, dry_run=False)
    with made.work.reading() as uow:
        ready = [
            (d.graduate.student_number, d.graduate.name, d.graduate.identity_number.tail)
            for d in uow.registry.all_of(season.id)
            if d.confirmation_gate(season, now) is None
            and d.chsi_bound
            and d.real_person_at
            and not d.household.moved
            and d.last_verification_day(season) > day_of(now)
        ]
    return made, ready[:people]


def words(person: Person) -> tuple[str, ...]:
    """Return what a graduate says from the first word to the number."""
    return ("你好", "同意", *person, "信息正确", "去向登记确认", "信息无误，确认登记去向", "一周", "进度")


class Pusher:
    """Posts messages as WeChat does, without a network: what is measured is ours alone."""

    def __init__(self, web: Client, settings: Settings) -> None:
        wechat = settings.wechat
        self._web = web
        self._token = wechat.tokens[0].get_secret_value()
        self._crypto = WeChatCrypto(self._token, wechat.aes_keys[0].get_secret_value(), wechat.app_id)
        self._serial = 0

    def prepared(self, openid: str, text: str) -> tuple[str, bytes]:
        """Return query and body of a push."""
        self._serial += 1
        stamp, nonce = str(int(time.time())), str(self._serial)
        xml = (
            f"<xml><ToUserName>gh_bench</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{stamp}</CreateTime>"
            f"<MsgType>text</MsgType><Content><![CDATA[{text}]]></Content><MsgId>{self._serial}</MsgId></xml>"
        )
        sealed = self._crypto.encrypt_message(xml, nonce, stamp)
        encrypted = sealed.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        sign = sha1("".join(sorted([self._token, stamp, nonce, encrypted])).encode()).hexdigest()  # noqa: S324 -- the platform's
        plain = sha1("".join(sorted([self._token, stamp, nonce])).encode()).hexdigest()  # noqa: S324 -- the platform's
        query = {
            "signature": plain,
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": sign,
        }
        body = f"<xml><ToUserName>gh_bench</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        return urlencode(query), body.encode()

    def push(self, query: str, body: bytes) -> int:
        """Post one push and return the length of the answer."""
        answer = self._web.post("/wechat", query_string=query, data=body, content_type="text/xml")
        if answer.status_code != 200:
            raise SystemExit(f"push refused: {answer.get_data(as_text=True)}")
        return len(answer.get_data())


def measured(do: Callable[[], object]) -> float:
    """Return the CPU µs of one call."""
    began = time.process_time()
    do()
    return (time.process_time() - began) * 1e6


def costs(pusher: Pusher, people: list[Person]) -> Iterator[tuple[int, float]]:
    """Yield (place in the walk, CPU µs) of each message."""
    for number, person in enumerate(people):
        for place, text in enumerate(words(person)):
            query, body = pusher.prepared(f"obench{number:022d}", text)
            yield place, measured(lambda query=query, body=body: pusher.push(query, body))  # type: ignore[misc]  # bound now


def main(walks: int = 100) -> None:
    """Walk, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        made, people = installation(Path(folder) / "bench", walks)
        pusher = Pusher(Client(made.web()), made.settings)
        spent = list(costs(pusher, people))
        made.engine.dispose()
    all_costs = [cost for _, cost in spent]
    sys.stdout.write(
        f"turn, safe mode, SQLite: {len(spent)} messages of {len(people)} graduates, CPU µs a message: "
        f"median {statistics.median(all_costs):.0f}, mean {statistics.mean(all_costs):.0f}\n"
    )
    for place, text in enumerate(words(("学号", "姓名", "后六位"))):
        sys.stdout.write(f"  {statistics.median(c for p, c in spent if p == place):6.0f}  {text}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("walks", nargs="?", type=int, default=100)
    main(parser.parse_args().walks)
