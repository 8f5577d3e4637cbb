"""The roof (屋顶): reads settings, opens engines, wires everything, registers doors and commands. Nobody imports it."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Blueprint, Flask, Response
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.conversation.texts import texts
from bot.ports import Chsi, Clock
from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from bot.use_cases.look_up_report import Counter
from bot.use_cases.match_reports import note_reports
from bot.use_cases.receive_message import Desk, receive_message
from bot.use_cases.staff_changes import Office, note_real_person
from handlers import demo
from handlers.chsi import pages as chsi_pages
from handlers.chsi.client import HttpChsi
from handlers.chsi.pages import ChsiDoor, PersonLinks
from handlers.chsi.roster import RosterChsi
from handlers.commands import cli
from handlers.files import pages as file_pages
from handlers.files.pages import FilesDoor
from handlers.installation import Installation
from handlers.keylist import pages as keylist_pages
from handlers.keylist.model import WELL_KNOWN
from handlers.keylist.pages import KeyListDoor
from handlers.keys import KeyRing, read_keys
from handlers.looks import Looks
from handlers.offline import pages as offline_pages
from handlers.offline.pages import OfflineDoor
from handlers.report import pages as report_pages
from handlers.report.pages import ReportDoor
from handlers.report.pdf import Press
from handlers.report.seal import Seal
from handlers.report.tokens import ReportLinks
from handlers.sending import Sending, make_sending
from handlers.settings import Settings, read_settings
from handlers.site import Site, mind_manners
from handlers.staff import pages as staff_pages
from handlers.staff.console import Console
from handlers.staff.sessions import Sessions
from handlers.staff.tries import Tries
from handlers.typed import pages as typed_pages
from handlers.typed.budgets import Bounds, Budgets, shared_storage
from handlers.typed.challenge import Pause
from handlers.typed.pages import TypedDoor
from handlers.verification import pages as landing_pages
from handlers.verification.pages import LandingDoor
from handlers.verification.tokens import VerificationKeys
from handlers.watching.counting import timed
from handlers.watching.logs import name_requests
from handlers.watching.watch import watch
from handlers.wechat import webhook
from handlers.wechat.budget import Budget
from handlers.wechat.client import Account, PlatformClient
from handlers.wechat.envelope import Envelope, EnvelopeKeys, Mode
from handlers.wechat.rendering import render
from handlers.wechat.webhook import Doorway
from storage.access_token import AccessTokens, RedisTokens, SqlTokens
from storage.cipher import FieldCipher, derive_keys
from storage.engine import Timeouts, open_engine
from storage.limit_counts import SqlLimitStorage
from storage.tables import access_token
from storage.unit_of_work import SqlWork

GUARDS = {
    "wechat": "signature of the platform over every push",
    "report": "signed, expiring link; looks limited per address",
    "verification": "signed token; looks limited per address",
    "files": "files examined in a child process; uploads limited per address",
    "typed": "number and full name; misses budgeted per block, number and in total",
    "keylist": "public: signed by the root key",
    "offline": "public page without data; checks signatures in the browser",
    "chsi": "signed, expiring link; looks limited per address",
    "chsi_callback": "signature of CHSI over the body",
    "watching": "health for everybody, all else for the networks of server.metrics_from",
    "staff": "login, and for every page the act that the policy must allow",
    "sandbox": "demo mode only, which listens on this machine only",
}
"""Every blueprint and what guards it; ``_register`` refuses one that is not here."""

RECEIPTS_PER_MINUTE = 10
"""How often one address may record the arrival of an archive: as quick as one can type, no quicker."""


@dataclass(frozen=True, slots=True)
class ChatLinks:
    """The web links of the chat; fits ``bot.ports.Links``."""

    reports: ReportLinks = field(repr=False)
    persons: PersonLinks = field(repr=False)

    def report(self, verification: Verification) -> str:
        """Return the link to the report page."""
        return self.reports.url(verification.id)

    def real_person(self, dossier: Dossier) -> str:
        """Return the link to the real-person check."""
        return self.persons.url(dossier.id)


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def build(settings: Settings, clock: Clock = now) -> Installation:
    """Wire an installation; nothing is connected and nothing runs yet."""
    ring = read_keys(settings.keys.folder)
    waits = settings.database
    engine = open_engine(
        waits.url.get_secret_value(),
        timeouts=Timeouts(waits.connect_seconds, waits.statement_seconds, waits.lock_seconds, busy=waits.lock_seconds),
        pool_size=waits.pool_size,
    )
    field_key, index_key = derive_keys(ring.master)
    work = SqlWork(engine, FieldCipher({1: field_key}, index_key), clock)
    links = _links(settings, ring, clock)
    office = Office(work, links, clock, new_id)
    desk = Desk(work, _chsi(settings), links, clock, new_id, new_number, render)
    redis_url = settings.redis.url.get_secret_value()
    store = RedisTokens.at(redis_url) if redis_url else SqlTokens(engine, access_token)
    account = Account(settings.wechat.app_id, settings.wechat.app_secret.get_secret_value(), settings.wechat.api_base)
    client = PlatformClient(account, AccessTokens(store, clock))
    sending = make_sending(settings, office, client, engine)
    counts = SqlLimitStorage(engine, clock, wrap_exceptions=True)
    web = partial(_web, settings, ring, desk, sending, counts)
    return Installation(settings, engine, work, office, desk, client, sending.worker, web)


def new_id() -> str:
    """Return a new identifier, 32 hex digits."""
    return uuid.uuid4().hex


def new_number() -> str:
    """Return eight digits nobody can guess (核验编号, N14); uniqueness is the database's business."""
    return f"{secrets.randbelow(90_000_000) + 10_000_000}"


def _derived(ring: KeyRing, purpose: str) -> str:
    return HKDF(SHA256(), 32, None, f"quxiang {purpose} v1".encode()).derive(ring.master).hex()


def _links(settings: Settings, ring: KeyRing, clock: Clock) -> ChatLinks:
    base = settings.server.public_url
    reports = ReportLinks((_derived(ring, "report link"),), clock, base, timedelta(days=settings.report.link_days))
    return ChatLinks(reports, PersonLinks(_derived(ring, "person link"), base))


def _chsi(settings: Settings) -> Chsi:
    chsi = settings.chsi
    if chsi.source == "roster":
        return RosterChsi()
    return HttpChsi(chsi.url, chsi.secret.get_secret_value(), chsi.timeout_seconds)


def _web(settings: Settings, ring: KeyRing, desk: Desk, sending: Sending, counts: SqlLimitStorage) -> Flask:
    office = sending.office
    app = Site("quxiang", template_folder=_beside("handlers/templates"), static_folder=_beside("handlers/static"))
    if settings.server.proxies:
        count = settings.server.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]  # Flask's documented way
    _register(app, watch(app, settings, desk.clock))
    _register(app, _webhook(settings, desk, sending))
    sending.attach(app)
    for blueprint in (*_doors(settings, ring, desk, office), _typed(settings, ring, desk, office, counts)):
        _register(app, blueprint)
    _register(app, staff_pages.create_blueprint(_console(app, settings, ring, office, counts)))
    if settings.demo:
        _register(app, demo.sandbox_of(settings).blueprint())
        app.after_request(_let_the_phone_show_pages)
    mind_manners(app)
    name_requests(app)
    return app


def _console(app: Flask, settings: Settings, ring: KeyRing, office: Office, counts: SqlLimitStorage) -> Console:
    staff, base = settings.staff, settings.server.public_url
    idle, longest = timedelta(minutes=staff.idle_minutes), timedelta(hours=staff.session_hours)
    sessions = Sessions(office.work, office.clock, idle, longest, CSRFProtect())
    sessions.attach(app, _derived(ring, "staff session"), is_https=base.startswith("https://"))
    storage = shared_storage(settings.redis.url.get_secret_value(), counts)
    tries = Tries(storage, office.clock, bytes.fromhex(_derived(ring, "staff tries")))
    return Console(office, sessions, tries, base)


def _doors(settings: Settings, ring: KeyRing, desk: Desk, office: Office) -> tuple[Blueprint, ...]:
    base, links, clock = settings.server.public_url, office.links, office.clock
    keys = VerificationKeys.of_list(ring.listed, ring.qr)
    looks = Looks(settings.report.looks_per_minute, settings.redis.url.get_secret_value())
    uploads = Looks(settings.report.uploads_per_minute, settings.redis.url.get_secret_value(), "uploads")
    receipts = Looks(RECEIPTS_PER_MINUTE, settings.redis.url.get_secret_value(), "receipts")
    if not isinstance(links, ChatLinks):
        raise TypeError(type(links).__name__)
    report = ReportDoor(
        desk.work,
        clock,
        links.reports,
        Press(Seal(ring.seal, clock)),
        lambda verification: keys.landing_url(base, verification),
        looks,
    )
    chsi = ChsiDoor(
        desk.work,
        clock,
        desk.chsi,
        links.persons,
        settings.chsi.secret.get_secret_value(),
        partial(note_real_person, office),
        looks,
    )
    return (
        report_pages.create_blueprint(report),
        landing_pages.create_blueprint(
            LandingDoor(Counter(desk.work, clock, links, new_id), keys, base, looks, receipts)
        ),
        file_pages.create_blueprint(
            FilesDoor(Counter(desk.work, clock, links, new_id), keys, ring.listed, base, looks, uploads)
        ),
        offline_pages.create_blueprint(OfflineDoor(desk.work, base, WELL_KNOWN)),
        keylist_pages.create_blueprint(KeyListDoor(ring.published, looks)),
        chsi_pages.create_blueprint(chsi),
        chsi_pages.create_callback(chsi),
    )


def _typed(settings: Settings, ring: KeyRing, desk: Desk, office: Office, counts: SqlLimitStorage) -> Blueprint:
    verify, redis_url, clock = settings.verify, settings.redis.url.get_secret_value(), office.clock
    bounds = Bounds(verify.misses_per_block, verify.misses_per_number, verify.misses_in_total, verify.pause_above)
    secret = bytes.fromhex(_derived(ring, "verify budgets"))
    return typed_pages.create_blueprint(
        TypedDoor(
            Counter(desk.work, clock, office.links, new_id),
            Budgets(shared_storage(redis_url, counts), bounds, clock, secret),
            Pause(_derived(ring, "verify pause"), clock, verify.pause_seconds),
            settings.server.public_url,
            Looks(settings.report.looks_per_minute, redis_url),
        )
    )


def _webhook(settings: Settings, desk: Desk, sending: Sending) -> Blueprint:
    budget = Budget.of(settings.server.answer_seconds, settings.server.threads, settings.server.processes)
    receive, note = timed(partial(receive_message, desk)), partial(note_reports, sending.inbox)
    doorway = Doorway(receive, desk.clock, _apology, note, budget)
    return webhook.create_blueprint(_envelope(settings), doorway)


def _envelope(settings: Settings) -> Envelope:
    wechat = settings.wechat
    return Envelope(
        EnvelopeKeys(
            Mode(wechat.mode),
            wechat.app_id,
            tuple(token.get_secret_value() for token in wechat.tokens),
            tuple(key.get_secret_value() for key in wechat.aes_keys),
        )
    )


def _apology(reference: str) -> str:
    return texts()["error.apology"].format(reference=reference)


def _register(app: Flask, blueprint: Blueprint) -> None:
    if blueprint.name not in GUARDS:
        raise LookupError(f"blueprint {blueprint.name} has no guard")
    app.register_blueprint(blueprint)


def _let_the_phone_show_pages(answer: Response) -> Response:
    """In the demo the phone page shows our pages in a frame, as WeChat shows them inside itself."""
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    policy = answer.headers.get("Content-Security-Policy", "")
    answer.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return answer


def _beside(folder: str) -> str:
    return str(Path(__file__).resolve().parent / folder)


def main() -> None:
    """Run the ``quxiang`` command."""
    cli(obj=lambda path: build(read_settings(path)), prog_name="quxiang")


if __name__ == "__main__":
    main()
