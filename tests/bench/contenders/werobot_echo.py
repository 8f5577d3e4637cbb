"""WeRoBot 1.13.1 with Flask through its own ``make_view``: safe mode, says back what it heard, counts in the session.

No shim was needed for its code with today's packages; it runs as published. The session is read before the handler
and written after it by WeRoBot itself; without a handler that takes the session it would be written all the same.
"""

from typing import Any

from flask import Flask
from werobot import WeRoBot
from werobot.contrib.flask import make_view

from tests.load.pushes import ACCOUNT


def site_with(storage: Any) -> Flask:  # noqa: ANN401 -- WeRoBot carries no types
    """Make the application with a session storage of WeRoBot's."""
    robot = WeRoBot(
        token=ACCOUNT.token,
        encoding_aes_key=ACCOUNT.encoding_aes_key,
        app_id=ACCOUNT.app_id,
        enable_session=True,
        session_storage=storage,
    )

    @robot.text  # type: ignore[untyped-decorator]  # WeRoBot carries no types
    def echo(message: Any, session: dict[str, Any]) -> str:  # noqa: ANN401 -- the same
        session["heard"] = session.get("heard", 0) + 1
        return str(message.content)

    site = Flask("werobot")
    site.add_url_rule(rule="/wechat", endpoint="werobot", view_func=make_view(robot), methods=["GET", "POST"])
    return site
