"""The official vectors: the sandbox's own signature and encryption are the platform's."""

import pytest

from handlers.sandbox.cipher import MessageCipher, UnreadableError, is_signed, sign
from handlers.sandbox.markup import BadXmlError, read, write

KEY, APP_ID = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxbad0b45542aa0b5e"
SEALED = (
    "MNn4+jJ/VsFh2gUyKAaOJArwEVYCvVmyN0iXzNarP3O6vXzK62ft1/KG2/XPZ4y5bPWU/jfIfQxODRQ7sLkUsrDRqsWimuhIT8Eq+w4E/28m+XDA"
    "QKEOjWTQIOp1p6kNsIV1DdC3B+AtcKcKSNAeJDr7x7GHLx5DZYK09qQsYDOjP6R5NqebFjKt/NpEl/GU3gWFwG8LCtRNuIYdK5axbFSfmXbh5CZ6"
    "Bk5wSwj5fu5aS90cMAgUhGsxrxZTY562QR6c+3ydXxb+GHI5w+qA+eqJjrQqR7u5hS+1x5sEsA7vS+bZ5LYAR3+PZ243avQkGllQ+rg7a6TeSGDx"
    "xhvLw+mxxinyk88BNHkJnyK//hM1k9PuvuLAASdaud4vzRQlAmnYOslZl8CN7gjCjV41skUTZv3wwGPxvEqtm/nf5fQ="
)


@pytest.mark.parametrize(
    ("timestamp", "nonce", "signature"),
    [
        ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
    ],
)
def test_the_signature_is_the_platforms(timestamp: str, nonce: str, signature: str) -> None:
    assert sign("AAAAA", timestamp, nonce) == signature
    assert not is_signed("0" * 40, "AAAAA", timestamp, nonce)


def test_the_official_message_opens() -> None:
    assert is_signed("6147984331daf7a1a9eed6e0ec3ba69055256154", "weixin", "1414243737", "1792106704", SEALED)
    message = MessageCipher(KEY, APP_ID).open(SEALED)
    assert len(message) == 274
    node = read(message)
    assert node.get("FromUserName") == "oIDrpjpQ8j8mBuQ8nM26HWzNEZgg"
    assert node.get("ToUserName") == "gh_680bdefc8c5d"
    assert node.get("MsgId") == "6074130599188426998"


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 33, 2048])
def test_what_is_sealed_opens_again(length: int) -> None:
    cipher = MessageCipher(KEY, APP_ID)
    assert cipher.open(cipher.seal(b"x" * length)) == b"x" * length


def test_another_account_cannot_open() -> None:
    with pytest.raises(UnreadableError, match="AppID"):
        MessageCipher(KEY, "wx0000000000000000").open(SEALED)
    with pytest.raises(UnreadableError):
        MessageCipher(KEY[::-1], APP_ID).open(SEALED)
    for broken in ("", "????", SEALED[:-8], "AAAA"):
        with pytest.raises(UnreadableError):
            MessageCipher(KEY, APP_ID).open(broken)


def test_xml_keeps_hostile_text() -> None:
    assert read(write({"Content": "a]]>b<c>&d", "Count": 3})).get("Content") == "a]]>b<c>&d"


@pytest.mark.parametrize(
    "text", ["", "{}", "<a/>", "<xml>", "<xml>\x0b</xml>", "<!DOCTYPE x [<!ENTITY e 'f'>]><xml>&e;</xml>", "<a>" * 99]
)
def test_bad_xml_is_refused(text: str) -> None:
    with pytest.raises(BadXmlError):
        read(text)
