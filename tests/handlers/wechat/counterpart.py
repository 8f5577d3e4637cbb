"""The platform's side of the wire (微信侧), written apart from ours so that one mistake cannot be on both sides."""

import base64
import hashlib
import os
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "weixin"
APP_ID = "wxbad0b45542aa0b5e"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_AES_KEY = "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"
NOW = 1_414_243_737
OPENID = "oIDrpjpQ8j8mBuQ8nM26HWzNEZgg"
ACCOUNT = "gh_680bdefc8c5d"


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the platform's protocol


def text_message(content: str = "你好", more: str = "", message_id: int = 6074130599188426998) -> str:
    return (
        f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>"
        f"<CreateTime>{NOW}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>"
        f"<MsgId>{message_id}</MsgId>{more}</xml>"
    )


@dataclass(frozen=True)
class Counterpart:
    """The platform under one token and key."""

    token: str = TOKEN
    app_id: str = APP_ID
    aes_key: str = AES_KEY

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def encrypt(self, xml: str) -> str:
        message = xml.encode()
        plain = os.urandom(16) + len(message).to_bytes(4, "big") + message + self.app_id.encode()
        pad = 32 - len(plain) % 32
        return self.encrypt_blocks(plain + bytes([pad]) * pad)

    def encrypt_blocks(self, padded: bytes) -> str:
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
        assert len(plain) % 32 == 0
        assert plain[-plain[-1] :] == bytes([plain[-1]]) * plain[-1]
        end = 20 + int.from_bytes(plain[16:20], "big")
        assert plain[end : -plain[-1]].decode() == self.app_id
        return plain[20:end].decode()

    def plain_push(self, xml: str, at: int = NOW, nonce: str = "1792106704") -> tuple[dict[str, str], bytes]:
        query = {"signature": sign(self.token, str(at), nonce), "timestamp": str(at), "nonce": nonce}
        return query, xml.encode()

    def push(self, xml: str, at: int = NOW, nonce: str = "1792106704") -> tuple[dict[str, str], bytes]:
        query, _ = self.plain_push(xml, at, nonce)
        encrypted = self.encrypt(xml)
        query |= {"encrypt_type": "aes", "msg_signature": sign(self.token, str(at), nonce, encrypted)}
        body = f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        return query, body.encode()

    def compatible_push(self, xml: str, at: int = NOW) -> tuple[dict[str, str], bytes]:
        query, body = self.push(xml, at)
        return query, xml.encode().replace(b"</xml>", body[body.index(b"<Encrypt>") :])

    def read_reply(self, sealed: str) -> str:
        reply = ET.fromstring(sealed)  # noqa: S314 - our own answer
        encrypted = reply.findtext("Encrypt", "")
        signature = sign(self.token, reply.findtext("TimeStamp", ""), reply.findtext("Nonce", ""), encrypted)
        assert reply.findtext("MsgSignature") == signature
        return self.decrypt(encrypted)
