"""The demo (演示): a school, a season open today, 300 invented graduates, and a local WeChat, all in one folder."""

import re
import secrets
import socket
import string
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from bot.errors import QuxiangError
from bot.registration.season import Season, add_months
from handlers.sandbox import DEMO_TEMPLATE_ID, Account, ChsiOptions, Sandbox
from handlers.settings import Settings

CONFIG = "config.toml"
SCHOOL = "示例大学"


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The folder of the demo (演示目录).

    Attributes:
        path: the folder; everything the demo keeps is in it.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.path / CONFIG

    @property
    def roster(self) -> Path:
        """The generated roster."""
        return self.path / "毕业生名册.xlsx"

    @property
    def tryouts(self) -> Path:
        """Who can be tried, for the next start."""
        return self.path / "试用学号.txt"


def write_config(folder: DemoFolder, port: int) -> None:
    """Write the demo's settings with secrets of their own, once."""
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = f"http://127.0.0.1:{port}"
    aes_key = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))
    folder.config.write_text(
        f"""# Written by "quxiang demo"; delete this folder to start afresh.
demo = true

[server]
port = {port}
public_url = "{base}"

[database]
url = "sqlite:///{folder.path.resolve() / "quxiang.sqlite3"}"

[keys]
folder = "{folder.path.resolve() / "keys"}"

[wechat]
app_id = "wx{secrets.token_hex(8)}"
app_secret = "{secrets.token_hex(16)}"
tokens = ["{secrets.token_hex(8)}"]
aes_keys = ["{aes_key}"]
mode = "safe"
api_base = "{base}/sandbox/platform"
notice_template = "{DEMO_TEMPLATE_ID}"

[chsi]
source = "http"
url = "{base}/sandbox/chsi"
secret = "{secrets.token_hex(16)}"
""",
        "utf-8",
    )
    folder.config.chmod(0o600)


def move_to(folder: DemoFolder, port: int) -> None:
    """Change the addresses in the demo's settings to another port; secrets and data stay."""
    text = folder.config.read_text("utf-8")
    text = re.sub(r"(http://127\.0\.0\.1:)[0-9]+", rf"\g<1>{port}", text)
    folder.config.write_text(re.sub(r"(?m)^port = [0-9]+$", f"port = {port}", text), "utf-8")


def demand_free(port: int) -> None:
    """Make sure that nobody listens on the port.

    Raises:
        QuxiangError: somebody does; the text says how to take another port.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            message = f"端口 {port} 已被别的程序占用。换一个再试：make run PORT={port + 1}"
        else:
            return
    raise QuxiangError(message)


def demo_season(today: date) -> Season:
    """Return a season whose window is open today, with a cut-off and a last day for changes after it (N17, N18)."""
    opens = today - timedelta(days=5)
    return Season(
        id=f"{today.year}",
        school=SCHOOL,
        opens=opens,
        closes=today + timedelta(days=4),
        cutoff=today + timedelta(days=3),
        changes_until=add_months(today, 2),
        office="示例大学就业办公室",
        office_phone="010-55550100",
        hotline="010-55550388",
        mail="kefu@example.edu.cn",
        school_system_url="https://jy.example.edu.cn/",
    )


@cache
def sandbox_of(settings: Settings) -> Sandbox:
    """Return the sandbox of this process (沙箱), registered with the same secrets as the application."""
    base, wechat = settings.server.public_url, settings.wechat
    return Sandbox(
        Account(
            app_id=wechat.app_id,
            app_secret=wechat.app_secret.get_secret_value(),
            token=wechat.tokens[0].get_secret_value(),
            encoding_aes_key=wechat.aes_keys[0].get_secret_value() if wechat.aes_keys else "",
            original_id="gh_demo00000001",
            webhook_url=f"{base}/wechat",
            mode=wechat.mode,
        ),
        ChsiOptions(settings.chsi.secret.get_secret_value(), f"{base}/chsi/callback"),
        state_file=settings.keys.folder.parent / "sandbox.sqlite3",
        base_url=base,
    )
