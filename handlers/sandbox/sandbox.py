"""The sandbox as one object (沙箱): what ``app.py`` mounts and what tests hold in their hands."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Blueprint

from handlers.sandbox import chsi_pages, pages
from handlers.sandbox.account import Account, ChsiOptions, SandboxError
from handlers.sandbox.chsi import Chsi
from handlers.sandbox.courier import Push
from handlers.sandbox.faults import Fault
from handlers.sandbox.network import Network
from handlers.sandbox.phone import Phone
from handlers.sandbox.platform import door, mass, notices, tokens
from handlers.sandbox.records import Handset


class Sandbox:
    """A local official-account platform, its phones, and CHSI.

    Args:
        account: the official account as registered at the platform.
        chsi: secret and callback address of the CHSI contract.
        state_file: an SQLite file that keeps phones, chats, menu and people; None keeps them in memory.
        reply_limit: seconds a push waits for its answer; WeChat's is 5.
        base_url: scheme, host and port under which the blueprint is reached.
    """

    def __init__(
        self,
        account: Account,
        chsi: ChsiOptions,
        *,
        state_file: Path | None = None,
        reply_limit: float = 5.0,
        base_url: str = "http://127.0.0.1:8000",
    ) -> None:
        self._network = Network(account, state_file, reply_limit, base_url)
        self.chsi = Chsi(self._network, chsi)

    @property
    def account(self) -> Account:
        """The account, with the mode in force now."""
        return self._network.account

    @property
    def mode(self) -> str:
        """Message encryption: plain, compatible or safe; may be set at any time."""
        return self._network.account.mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self._network.set_mode(mode)

    @property
    def clock(self) -> Callable[[], float]:
        """The platform's clock, seconds since the epoch; tests may set another to let windows and tokens pass."""
        return self._network.clock

    @clock.setter
    def clock(self, clock: Callable[[], float]) -> None:
        self._network.clock = clock

    def blueprint(self) -> Blueprint:
        """Everything the sandbox serves: ``/`` and ``/sandbox/…``."""
        blueprint = Blueprint(
            "sandbox", __name__, template_folder="templates", static_folder="static", static_url_path="/sandbox/static"
        )
        door.register(blueprint, self._network)
        chsi_pages.register(blueprint, self._network, self.chsi)
        pages.register(blueprint, self._network)
        return blueprint

    def phone(self, name: str) -> Phone:
        """The phone of this name, new if there is none yet; its openid never changes."""
        return Phone(self._network, self._network.handset(name))

    def phone_of(self, openid: str) -> Phone:
        """The phone that has this openid.

        Raises:
            SandboxError: none has it.
        """
        handset = self._network.world.by_openid(openid)
        if handset is None:
            raise SandboxError("no phone has this openid")
        return Phone(self._network, handset)

    def phones(self) -> tuple[Phone, ...]:
        """Every phone, oldest first."""
        return tuple(Phone(self._network, each) for each in self._network.world.all(Handset))

    def inject(self, fault: str, times: int = 1, *, seconds: float = 0.0, path: str = "") -> None:
        """Arm a fault.

        Args:
            fault: for API calls an errcode (``40001``, ``-1`` …), ``hang`` (slow, then as usual) or ``lost`` (all is
                done, then no usable answer comes); ``duplicate``, ``delay``, ``drop`` for pushes; ``chsi-down``
                (503), ``chsi-hang``.
            times: how often it strikes.
            seconds: how long ``hang``, ``lost``, ``delay`` and ``chsi-hang`` last.
            path: only this API path, e.g. ``message/custom/send``.
        """
        self._network.faults.add(Fault(fault, times, seconds, path))

    def clear_faults(self) -> None:
        """Disarm every fault."""
        self._network.faults.clear()

    def chaos(self, rates: Mapping[str, float], seed: int = 0, *, seconds: float = 0.0) -> None:
        """Let faults of ``inject`` strike calls that send messages by chance (随机故障); {} ends it.

        Args:
            rates: fault to its probability; together at most 1. One that cannot occur at a call passes it by.
            seed: the same seed gives the same faults, if the calls come in the same order.
            seconds: how long ``hang`` and ``lost`` last.
        """
        self._network.faults.set_chances(rates, seed, seconds)

    def set_quota(self, path: str, daily: int | None) -> None:
        """Allow so many calls of an API path a day, 45009 beyond; None for no limit. The day is Shanghai's."""
        self._network.limits.set_quota(path, daily)

    def limit_rate(self, path: str, per_second: int | None, code: int = 45011) -> None:
        """Refuse calls of an API path above so many in any real second with a code; None for no limit."""
        self._network.limits.limit_rate(path, per_second, code)

    def tally(self, path: str) -> Counter[str]:
        """How often calls of an API path came to which errcode (``"0"``, ``"45011"`` …), or were ``"lost"``."""
        return self._network.limits.tally(path)

    def busiest_second(self, path: str) -> int:
        """The most calls of an API path that arrived within any second, refused ones included."""
        return self._network.limits.busiest_second(path)

    @property
    def pushes(self) -> tuple[Push, ...]:
        """The log of deliveries, oldest first."""
        return self._network.pushes()

    def verify_url(self) -> bool:
        """Whether the webhook passes the check of its address (服务器配置 → 提交)."""
        return self._network.courier.verify()

    def forget_tokens(self) -> None:
        """Make every access token worthless at once: the next call gets 40001."""
        tokens.forget(self._network)

    def add_template(self, template_id: str, title: str, rows: Mapping[str, str]) -> None:
        """Give the account a template; ``rows`` maps a field (``thing1``) to its label (事项)."""
        notices.add_template(self._network, template_id, title, rows)

    def crowd(self, count: int, *, wrote: bool = False) -> tuple[str, ...]:
        """So many new phones that follow, as if long ago, without a push; their openids.

        Args:
            count: how many.
            wrote: as if each had just written something, so that customer-service messages may be sent.
        """
        return self._network.crowd(count, wrote=wrote)

    def received(self, openid: str) -> Counter[str]:
        """How often a phone got which text, or which card by its lines, replies included; none falls out of it."""
        return self._network.received(openid)

    def annoy(self, phone: Phone, *, annoyed: bool = True) -> None:
        """Let a phone have had too much: template messages to it are refused with 43117 until this is taken back."""
        handset = self._network.handset(phone.name)
        handset.annoyed = annoyed
        self._network.world.keep(handset)

    def block(self, phone: Phone, *, blocked: bool = True) -> None:
        """Let a phone refuse template messages: they are accepted, do not show, and the report says so."""
        self.template_fate(notices.USER_BLOCK if blocked else "", phone)

    def template_fate(self, status: str, phone: Phone | None = None) -> None:
        """What reports of template messages say: of one phone, or of all phones without a fate of their own.

        Args:
            status: ``success``, ``failed:user block`` or ``failed: system failed``; "" as usual.
            phone: whose; None for all.
        """
        if status not in {*notices.FATES, ""}:
            raise SandboxError("no report of a template message says this")
        if phone is None:
            self._network.fates.template = status or notices.SUCCESS
            return
        handset = self._network.handset(phone.name)
        handset.fate = status
        self._network.world.keep(handset)

    def mass_fate(self, status: str) -> None:
        """What becomes of mass messages from now on: ``send success``, ``send fail``, ``err(30003)`` and the like.

        ``sending`` leaves a job under way for ever, without a report.
        """
        if not mass.FATE.fullmatch(status):
            raise SandboxError("no report of a mass message says this")
        self._network.fates.mass = status

    @property
    def reports(self) -> str:
        """How events about messages sent come: ``prompt``, ``early`` (before the answer), ``held`` or ``lost``."""
        return self._network.reports.mode

    @reports.setter
    def reports(self, mode: str) -> None:
        self._network.reports.mode = mode

    def release_reports(self, seed: int | None = None, double: float = 0.0) -> int:
        """Deliver the reports held and return how many; shuffled by the seed, a share of them twice."""
        return self._network.reports.release(seed, double)

    def consent(self, phone: Phone, template_id: str, times: int = 1) -> None:
        """Let a phone accept subscription notices of this template (一次性订阅)."""
        handset = self._network.handset(phone.name)
        with self._network.world.change():
            handset.consents[template_id] = handset.consents.get(template_id, 0) + times
            self._network.world.keep(handset)

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until events pushed in the background have been delivered; False when none is for so many seconds."""
        return self._network.reports.settle(seconds)

    def close(self) -> None:
        """Drop what was not delivered, and close the state file."""
        self._network.reports.settle(1.0)
        self._network.reports.close()
        self._network.world.close()
