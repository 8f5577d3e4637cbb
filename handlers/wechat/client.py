"""What the WeChat platform is asked for (微信接口客户端): messages, mass messages, quotas, the menu."""

from collections.abc import Mapping, Sequence

from handlers.wechat.calls import Account, Answer, CallLimits, Calls
from handlers.wechat.faults import PlatformError, no_answer
from storage.access_token import AccessTokens

__all__ = ["Account", "Answer", "CallLimits", "PlatformClient"]

_NO_MENU = 46003
_USUAL = CallLimits()


class PlatformClient:
    """The platform's calls this project needs (微信接口客户端); safe to share between threads.

    Every method raises PlatformError, whose kind says what to do; never anything of ``requests``.
    """

    def __init__(self, account: Account, tokens: AccessTokens, limits: CallLimits = _USUAL) -> None:
        self._calls = Calls(account, tokens, limits)

    def close(self) -> None:
        """Close the connections kept open (关闭连接)."""
        self._calls.close()

    def token(self, refused: str = "") -> str:
        """The access token in force (access_token); ``refused`` is one the platform did not accept."""
        return self._calls.token(refused)

    def send_text(self, openid: str, text: str) -> None:
        """Send a customer-service message (客服消息): only within 48 hours of the person's last one, else RECIPIENT."""
        self._calls.call("message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": text}})

    def send_template(
        self, openid: str, template_id: str, data: Mapping[str, str], url: str = "", client_msg_id: str = ""
    ) -> str:
        """Send a template message (模板消息) and return its id, "" when the platform names none.

        Args:
            openid: to whom.
            template_id: the template chosen in the console.
            data: field name to text, such as ``{"thing1": "…"}``.
            url: where a tap leads; "" for nowhere.
            client_msg_id: at most 64 bytes; the same one again within ten minutes is not sent twice and counts as sent.
        """
        message: dict[str, object] = {
            "touser": openid,
            "template_id": template_id,
            "data": _fields(data),
        }
        if url:
            message["url"] = url
        if client_msg_id:
            message["client_msg_id"] = client_msg_id
        return _message_id(self._calls.call("message/template/send", message))

    def send_subscription(self, openid: str, template_id: str, data: Mapping[str, str], page: str = "") -> str:
        """Send a subscription notice (订阅通知): needs a consent for each, 43101 without.

        Args:
            openid: to whom.
            template_id: the template chosen in the console.
            data: field name to text, such as ``{"thing1": "…"}``.
            page: where a tap leads; "" for nowhere.

        Returns:
            its id, "" as long as the platform tells it only in the event that follows. Two calls send two notices:
            this one knows no ``client_msg_id``.
        """
        message: dict[str, object] = {"touser": openid, "template_id": template_id, "data": _fields(data)}
        if page:
            message["page"] = page
        return _message_id(self._calls.call("message/subscribe/bizsend", message))

    def send_mass(self, openids: Sequence[str], text: str, client_id: str) -> str:
        """Send one text to many (群发) and return the job's id.

        Args:
            openids: 2 to 10,000 followers; each gets at most four mass messages a month.
            text: at most 2048 bytes.
            client_id: at most 64 bytes; the same one again within 24 hours is not sent twice and counts as sent.
        """
        message: dict[str, object] = {
            "touser": list(openids),
            "msgtype": "text",
            "text": {"content": text},
            "clientmsgid": client_id,
        }
        return _message_id(self._calls.call("message/mass/send", message))

    def mass_state(self, message_id: str) -> str:
        """Ask how far a mass job is (群发状态): SEND_SUCCESS, SENDING, SEND_FAIL, DELETE; "" for no such word."""
        return str(self._calls.call("message/mass/get", {"msg_id": message_id}).get("msg_status") or "")

    def quota(self, cgi_path: str) -> int:
        """Ask how many calls of today are left (剩余额度) for a path such as ``/cgi-bin/message/custom/send``."""
        action = "openapi/quota/get"
        quota = self._calls.call(action, {"cgi_path": cgi_path}).get("quota")
        remain = quota.get("remain") if isinstance(quota, dict) else None
        if not isinstance(remain, int):
            raise no_answer(action, "an answer without a quota", is_unsure=False)
        return remain

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Publish the bottom menu (自定义菜单); clients show it within five minutes."""
        self._calls.call("menu/create", menu)

    def get_menu(self) -> Answer | None:
        """The menu published now (查询菜单), as ``{"button": [...]}``; None when there is none."""
        try:
            menu = self._calls.call("menu/get").get("menu")
        except PlatformError as error:
            if error.code == _NO_MENU:
                return None
            raise
        return menu if isinstance(menu, dict) else None

    def delete_menu(self) -> None:
        """Take the menu away (删除菜单)."""
        self._calls.call("menu/delete")


def _fields(data: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value} for name, value in data.items()}


def _message_id(answer: Answer) -> str:
    return str(answer.get("msgid") or answer.get("msg_id") or "")
