"""The floor: the least a bot can do that keeps a conversation in PostgreSQL, tuned by hand.

Flask, signature, AES, the C parser twice, one indexed row read, one row written over what was read, committed. psycopg
directly, a connection for each thread, prepared statements, autocommit: SQLAlchemy Core would cost more. No rules, no
words, no encryption of what is stored, no hostile XML, no error handled.
"""

import base64
import hashlib
import hmac
import os
import secrets
import struct
import threading
import time
from xml.etree.ElementTree import fromstring

import psycopg
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask, Response, abort, request

from tests.load.pushes import ACCOUNT

_KEY = base64.b64decode(ACCOUNT.encoding_aes_key + "=")
_BOX = Cipher(algorithms.AES256(_KEY), modes.CBC(_KEY[:16]))
_READ = "SELECT seq, memory FROM floor_talk WHERE openid = %b"
_WRITE = "UPDATE floor_talk SET seq = seq + 1, memory = %b WHERE openid = %b AND seq = %b"
_NEW = "INSERT INTO floor_talk (openid, seq, memory) VALUES (%b, 1, %b)"


def _sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted((ACCOUNT.token, *parts))).encode()).hexdigest()  # noqa: S324 -- the platform's


def _opened(sealed: str) -> bytes:
    box = _BOX.decryptor()
    plain = box.update(base64.b64decode(sealed)) + box.finalize()
    return plain[20 : 20 + int.from_bytes(plain[16:20], "big")]


def _closed(xml: str) -> str:
    message = xml.encode()
    plain = secrets.token_bytes(16) + struct.pack(">I", len(message)) + message + ACCOUNT.app_id.encode()
    fill = 32 - len(plain) % 32
    box = _BOX.encryptor()
    return base64.b64encode(box.update(plain + bytes([fill]) * fill) + box.finalize()).decode()


class _Threads(threading.local):
    connection: psycopg.Connection | None = None


_threads = _Threads()


def _kept(openid: str, text: str) -> None:
    if _threads.connection is None:
        _threads.connection = psycopg.connect(os.environ["BENCH_POSTGRESQL"], autocommit=True, prepare_threshold=1)
    cursor = _threads.connection.cursor(binary=True)
    row = cursor.execute(_READ, (openid,)).fetchone()
    if row is None:
        cursor.execute(_NEW, (openid, text.encode()))
    elif cursor.execute(_WRITE, (text.encode(), openid, row[0])).rowcount != 1:
        abort(503)


def app() -> Flask:
    """Make the application; BENCH_POSTGRESQL is a database with the table ``floor_talk``."""
    site = Flask("floor")

    @site.post("/wechat")
    def take() -> Response:
        told = request.args
        sealed = fromstring(request.get_data()).findtext("Encrypt") or ""  # noqa: S314 -- the floor takes the risk
        if not hmac.compare_digest(_sign(told["timestamp"], told["nonce"], sealed), told["msg_signature"]):
            abort(403)
        message = fromstring(_opened(sealed))  # noqa: S314 -- the same
        openid, text = message.findtext("FromUserName") or "", message.findtext("Content") or ""
        _kept(openid, text)
        stamp, nonce = str(int(time.time())), secrets.token_hex(5)
        answer = _closed(
            f"<xml><ToUserName><![CDATA[{openid}]]></ToUserName><FromUserName><![CDATA[{ACCOUNT.original_id}]]>"
            f"</FromUserName><CreateTime>{stamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{text}]]></Content></xml>"
        )
        return Response(
            f"<xml><Encrypt><![CDATA[{answer}]]></Encrypt><MsgSignature><![CDATA[{_sign(stamp, nonce, answer)}]]>"
            f"</MsgSignature><TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>",
            content_type="application/xml",
        )

    return site
