"""wechatpy 1.8.18 with Flask, as its documentation shows it: safe mode, says back what it heard, keeps nothing."""

from flask import Flask, Response, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto

from tests.load.pushes import ACCOUNT


def app() -> Flask:
    """Make the application."""
    site = Flask("wechatpy")
    crypto = WeChatCrypto(ACCOUNT.token, ACCOUNT.encoding_aes_key, ACCOUNT.app_id)

    @site.post("/wechat")
    def echo() -> Response:
        told = request.args
        xml = crypto.decrypt_message(request.data, told["msg_signature"], told["timestamp"], told["nonce"])
        message = parse_message(xml)
        answer = create_reply(message.content, message).render()
        return Response(
            crypto.encrypt_message(answer, told["nonce"], told["timestamp"]), content_type="application/xml"
        )

    return site
