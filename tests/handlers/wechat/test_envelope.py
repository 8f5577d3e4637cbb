import os

import pytest

from bot.errors import BadValueError
from handlers.wechat.envelope import Envelope, EnvelopeError, EnvelopeKeys, Mode, Refusal
from tests.handlers.wechat.counterpart import AES_KEY, APP_ID, NOW, OLD_AES_KEY, TOKEN, Counterpart, sign, text_message

# The vectors of the platform's own documentation and sample code.
OFFICIAL_ENCRYPT = (
    "MNn4+jJ/VsFh2gUyKAaOJArwEVYCvVmyN0iXzNarP3O6vXzK62ft1/KG2/XPZ4y5bPWU/jfIfQxODRQ7sLkUsrDRqsWimuhIT8Eq+w4E/28m+XDAQKEOjWTQ"
    "IOp1p6kNsIV1DdC3B+AtcKcKSNAeJDr7x7GHLx5DZYK09qQsYDOjP6R5NqebFjKt/NpEl/GU3gWFwG8LCtRNuIYdK5axbFSfmXbh5CZ6Bk5wSwj5fu5aS90c"
    "MAgUhGsxrxZTY562QR6c+3ydXxb+GHI5w+qA+eqJjrQqR7u5hS+1x5sEsA7vS+bZ5LYAR3+PZ243avQkGllQ+rg7a6TeSGDxxhvLw+mxxinyk88BNHkJnyK/"
    "/hM1k9PuvuLAASdaud4vzRQlAmnYOslZl8CN7gjCjV41skUTZv3wwGPxvEqtm/nf5fQ="
)
OFFICIAL_QUERY = {
    "signature": "35703636de2f9df2a77a662b68e521ce17c34db4",
    "timestamp": "1414243737",
    "nonce": "1792106704",
    "encrypt_type": "aes",
    "msg_signature": "6147984331daf7a1a9eed6e0ec3ba69055256154",
}
OFFICIAL_BODY = (
    f"<xml><ToUserName><![CDATA[gh_680bdefc8c5d]]></ToUserName><Encrypt><![CDATA[{OFFICIAL_ENCRYPT}]]></Encrypt></xml>"
).encode()

ENCRYPTED_MODES = [Mode.SAFE, Mode.COMPATIBLE]


def envelope(
    mode: Mode = Mode.SAFE, tokens: tuple[str, ...] = (TOKEN,), keys: tuple[str, ...] = (AES_KEY,)
) -> Envelope:
    return Envelope(EnvelopeKeys(mode, APP_ID, tokens, keys))


def refusal(given: Envelope, query: dict[str, str], body: bytes, now: int = NOW) -> Refusal:
    with pytest.raises(EnvelopeError) as caught:
        given.open(query, body, now)
    return caught.value.reason


def changed(text: str) -> str:
    return ("0" if text[0] != "0" else "1") + text[1:]


@pytest.mark.parametrize(
    ("timestamp", "nonce", "signature"),
    [
        ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_url_verification_echoes_the_official_vectors_in_every_mode(
    mode: Mode, timestamp: str, nonce: str, signature: str
) -> None:
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": "4375120948345356249"}
    assert envelope(mode, ("AAAAA",)).echo(query, int(timestamp)) == "4375120948345356249"


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_url_verification_refuses_a_changed_or_missing_parameter(name: str) -> None:
    query, _ = Counterpart().plain_push("")
    for bad in (query | {name: changed(query[name])}, {key: value for key, value in query.items() if key != name}):
        with pytest.raises(EnvelopeError):
            envelope().echo(bad | {"echostr": "1"}, NOW)


def test_url_verification_refuses_a_stale_timestamp() -> None:
    query, _ = Counterpart().plain_push("")
    with pytest.raises(EnvelopeError) as caught:
        envelope().echo(query, NOW + 601)
    assert caught.value.reason is Refusal.TIMESTAMP


def test_the_official_safe_mode_vector_opens() -> None:
    opened = envelope().open(OFFICIAL_QUERY, OFFICIAL_BODY, NOW)
    assert b"<![CDATA[?]]></Content>" in opened.xml.replace(b"\n", b"")
    assert b"<MsgId>6074130599188426998</MsgId>" in opened.xml
    assert len(opened.xml) == 274


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
def test_a_compatible_body_is_read_from_its_encrypted_half_only(mode: Mode) -> None:
    query, body = Counterpart().compatible_push(text_message("真"))
    forged = body.replace("真".encode(), "假".encode())
    assert "真".encode() in envelope(mode).open(query, forged, NOW).xml


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_a_changed_or_missing_parameter_of_an_encrypted_push_is_refused(mode: Mode, name: str) -> None:
    query, body = Counterpart().push(text_message())
    missing = {key: value for key, value in query.items() if key != name}
    # The last digit of the timestamp, so that the window still holds and only the signature is wrong.
    wrong = query | {name: query[name][:-1] + ("0" if query[name][-1] != "0" else "1")}
    assert refusal(envelope(mode), wrong, body) is Refusal.SIGNATURE
    assert refusal(envelope(mode), missing, body) in {Refusal.SIGNATURE, Refusal.TIMESTAMP}


def test_every_changed_character_of_the_encrypted_body_is_refused() -> None:
    for at in range(0, len(OFFICIAL_ENCRYPT), 7):
        other = "A" if OFFICIAL_ENCRYPT[at] != "A" else "B"
        body = OFFICIAL_BODY.replace(
            OFFICIAL_ENCRYPT.encode(), (OFFICIAL_ENCRYPT[:at] + other + OFFICIAL_ENCRYPT[at + 1 :]).encode()
        )
        assert refusal(envelope(), OFFICIAL_QUERY, body) is Refusal.SIGNATURE


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
def test_a_plain_push_with_a_right_signature_is_no_way_around_encryption(mode: Mode) -> None:
    query, body = Counterpart().plain_push(text_message())
    for extra in ({}, {"encrypt_type": "raw"}, {"encrypt_type": "aes"}):
        assert refusal(envelope(mode), query | extra, body) is Refusal.UNENCRYPTED


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
def test_the_signature_that_does_not_cover_the_body_does_not_count_as_msg_signature(mode: Mode) -> None:
    query, body = Counterpart().push(text_message())
    assert refusal(envelope(mode), query | {"msg_signature": query["signature"]}, body) is Refusal.SIGNATURE


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
def test_the_request_cannot_choose_the_mode(mode: Mode) -> None:
    query, body = Counterpart().push(text_message())
    assert envelope(mode).open(query | {"encrypt_type": "raw"}, body, NOW).key
    plain_query, plain_body = Counterpart().plain_push(text_message())
    assert envelope(Mode.PLAIN).open(plain_query | {"encrypt_type": "aes"}, plain_body, NOW).key == b""


def test_plain_settings_name_the_reason_when_the_platform_encrypts() -> None:
    query, body = Counterpart().push(text_message())
    assert refusal(envelope(Mode.PLAIN), query, body) is Refusal.ENCRYPTED


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("off", [-601, 601])
def test_a_push_outside_the_ten_minute_window_is_refused(mode: Mode, off: int) -> None:
    make = Counterpart().plain_push if mode is Mode.PLAIN else Counterpart().push
    query, body = make(text_message())
    assert refusal(envelope(mode), query, body, NOW + off) is Refusal.TIMESTAMP
    assert envelope(mode).open(query, body, NOW + off // 2).xml


@pytest.mark.parametrize("timestamp", ["", "abc", "-1", "1e9", "１４１４２４３７３７", "9" * 5000, " 1414243737"])
def test_a_timestamp_that_is_no_number_is_refused(timestamp: str) -> None:
    query, body = Counterpart().push(text_message())
    query |= {"timestamp": timestamp}
    assert refusal(envelope(), query, body) is Refusal.TIMESTAMP


def test_a_push_for_another_account_is_refused() -> None:
    query, body = Counterpart(app_id="wx0000000000000000").push(text_message())
    assert refusal(envelope(), query, body) is Refusal.APP_ID


def test_a_push_under_an_unknown_key_is_refused() -> None:
    query, body = Counterpart(aes_key=OLD_AES_KEY).push(text_message())
    assert refusal(envelope(), query, body) is Refusal.UNDECRYPTABLE


@pytest.mark.parametrize("encrypted", ["", "!!!!", "AAAA", "A" * 44, "密文"])
def test_signed_rubbish_instead_of_ciphertext_is_refused(encrypted: str) -> None:
    at, nonce = str(NOW), "1"
    query = {"timestamp": at, "nonce": nonce, "msg_signature": sign(TOKEN, at, nonce, encrypted)}
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    assert refusal(envelope(), query, body) in {Refusal.UNENCRYPTED, Refusal.UNDECRYPTABLE}


@pytest.mark.parametrize(
    ("length", "padding"),
    [
        (6, b"\x08" * 8 + b"\x10" * 8),  # only half of the padding is right
        (6, b"\x10" * 15 + b"\x00"),
        (6, b"\x10" * 15 + b"\x21"),
        (2**32 - 1, b"\x04" * 4),  # the message would end behind its end
    ],
)
def test_a_plaintext_of_the_wrong_shape_is_refused_though_its_key_is_right(length: int, padding: bytes) -> None:
    content = os.urandom(16) + length.to_bytes(4, "big") + b"<xml/>" + APP_ID.encode()
    content += b"\x10" * (-(len(content) + len(padding)) % 32)
    encrypted = Counterpart().encrypt_blocks(content + padding)
    query = {"timestamp": str(NOW), "nonce": "1", "msg_signature": sign(TOKEN, str(NOW), "1", encrypted)}
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    assert refusal(envelope(), query, body) is Refusal.UNDECRYPTABLE


def test_a_body_that_is_no_xml_is_refused() -> None:
    query, _ = Counterpart().push(text_message())
    for body in (b"", b"{}", b"<html/>", b"<xml>", b"\xff\xfe"):
        assert refusal(envelope(), query, body) is Refusal.MALFORMED


@pytest.mark.parametrize("mode", ENCRYPTED_MODES)
def test_during_rotation_both_tokens_and_both_keys_are_accepted_and_answered_in_kind(mode: Mode) -> None:
    rotating = envelope(mode, ("newtoken", TOKEN), (AES_KEY, OLD_AES_KEY))
    for token in ("newtoken", TOKEN):
        for key in (AES_KEY, OLD_AES_KEY):
            platform = Counterpart(token=token, aes_key=key)
            query, body = platform.push(text_message())
            opened = rotating.open(query, body, NOW)
            sealed = rotating.seal(opened, "<xml>答</xml>", "key", NOW)
            assert platform.read_reply(sealed) == "<xml>答</xml>"


def test_a_token_that_is_no_longer_listed_is_refused() -> None:
    query, body = Counterpart().push(text_message())
    assert refusal(envelope(tokens=("newtoken",)), query, body) is Refusal.SIGNATURE


def test_a_repushed_message_gets_the_same_bytes_though_its_own_nonce_differs() -> None:
    one, two = (
        envelope().open(*Counterpart().push(text_message(), NOW + second, str(second)), NOW + second)
        for second in (0, 5)
    )
    assert envelope().seal(one, "<xml/>", "key", NOW) == envelope().seal(two, "<xml/>", "key", NOW)


def test_different_replies_share_no_ciphertext_prefix_and_no_nonce() -> None:
    opened = envelope().open(OFFICIAL_QUERY, OFFICIAL_BODY, NOW)
    replies = [
        envelope().seal(opened, xml, seed, at)
        for xml, seed, at in [("<xml>a</xml>", "k", 1), ("<xml>b</xml>", "k", 1), ("<xml>a</xml>", "l", 1)]
    ]
    assert len({reply[: reply.index("<Encrypt>") + 50] for reply in replies}) == 3
    assert len({reply[reply.index("<Nonce>") :] for reply in replies}) == 3


def test_a_plain_reply_stays_as_it_is() -> None:
    opened = envelope(Mode.PLAIN).open(*Counterpart().plain_push(text_message()), NOW)
    assert envelope(Mode.PLAIN).seal(opened, "<xml/>", "key", NOW) == "<xml/>"


@pytest.mark.parametrize(
    ("mode", "app_id", "tokens", "keys", "window"),
    [
        ("open", APP_ID, (TOKEN,), (AES_KEY,), 600),
        (Mode.SAFE, "", (TOKEN,), (AES_KEY,), 600),
        (Mode.SAFE, APP_ID, (), (AES_KEY,), 600),
        (Mode.SAFE, APP_ID, ("to ken",), (AES_KEY,), 600),
        (Mode.SAFE, APP_ID, ("ab",), (AES_KEY,), 600),
        (Mode.SAFE, APP_ID, (TOKEN,), (), 600),
        (Mode.COMPATIBLE, APP_ID, (TOKEN,), (), 600),
        (Mode.SAFE, APP_ID, (TOKEN,), (AES_KEY[:-1],), 600),
        (Mode.SAFE, APP_ID, (TOKEN,), (AES_KEY + "=",), 600),
        (Mode.SAFE, APP_ID, (TOKEN,), (AES_KEY, OLD_AES_KEY + "H"), 600),
        (Mode.SAFE, APP_ID, (TOKEN,), (AES_KEY,), 0),
    ],
)
def test_impossible_keys_are_refused_when_built_without_repeating_a_secret(
    mode: Mode, app_id: str, tokens: tuple[str, ...], keys: tuple[str, ...], window: int
) -> None:
    with pytest.raises(BadValueError) as caught:
        EnvelopeKeys(mode, app_id, tokens, keys, window)
    assert not any(secret in str(caught.value) for secret in (*tokens, *keys))


def test_secrets_do_not_show() -> None:
    keys = EnvelopeKeys(Mode.SAFE, APP_ID, (TOKEN,), (AES_KEY,))
    opened = Envelope(keys).open(OFFICIAL_QUERY, OFFICIAL_BODY, NOW)
    assert TOKEN not in repr(keys)
    assert AES_KEY not in repr(keys)
    assert repr(opened) == "Opened()"
