"""A local WeChat and a local CHSI (沙箱), for the demo and the tests; imports nothing of ours.

The CHSI contract stands in ``handlers.sandbox.chsi``; the platform's API is served below
``/sandbox/platform/cgi-bin/``, the phone page at ``/``. The server must answer several requests at once (threads):
while a phone waits for the bot, the bot calls the platform.
"""

from handlers.sandbox.account import Account, ChsiOptions, SandboxError
from handlers.sandbox.bubble import Bubble
from handlers.sandbox.courier import Push
from handlers.sandbox.phone import NothingToTapError, Phone
from handlers.sandbox.platform.notices import DEMO_TEMPLATE_ID
from handlers.sandbox.sandbox import Sandbox

__all__ = [
    "DEMO_TEMPLATE_ID",
    "Account",
    "Bubble",
    "ChsiOptions",
    "NothingToTapError",
    "Phone",
    "Push",
    "Sandbox",
    "SandboxError",
]
