"""The sandbox as one object (沙箱): what ``app.py`` mounts and what tests hold in their hands."""

from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Blueprint

from handlers.sandbox import chsi_pages, pages
from handlers.sandbox.account import Account, ChsiOptions
from handlers.sandbox.chsi import Chsi
from handlers.sandbox.courier import Push
from handlers.sandbox.faults import Fault
from handlers.sandbox.network import Network
from handlers.sandbox.phone import Phone
from handlers.sandbox.platform import door, notices, tokens
from handlers.sandbox.world import Handset


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

    def phones(self) -> tuple[Phone, ...]:
        """Every phone, oldest first."""
        return tuple(Phone(self._network, each) for each in self._network.world.all(Handset))

    def inject(self, fault: str, times: int = 1, *, seconds: float = 0.0, path: str = "") -> None:
        """Arm a fault.

        Args:
            fault: an errcode (``40001``, ``-1`` …) or ``hang`` for API calls; ``duplicate``, ``delay``, ``drop``
                for pushes; ``chsi-down`` (503), ``chsi-hang``.
            times: how often it strikes.
            seconds: how long ``hang``, ``delay`` and ``chsi-hang`` last.
            path: only this API path, e.g. ``message/custom/send``.
        """
        self._network.faults.add(Fault(fault, times, seconds, path))

    def clear_faults(self) -> None:
        """Disarm every fault."""
        self._network.faults.clear()

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

    def consent(self, phone: Phone, template_id: str, times: int = 1) -> None:
        """Let a phone accept subscription notices of this template (一次性订阅)."""
        handset = self._network.handset(phone.name)
        with self._network.world.change():
            handset.consents[template_id] = handset.consents.get(template_id, 0) + times
            self._network.world.keep(handset)

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until finish events pushed in the background have been delivered."""
        self._network.settle(seconds)

    def close(self) -> None:
        """Close the state file."""
        self._network.settle(1.0)
        self._network.world.close()
