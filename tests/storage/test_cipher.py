import pytest

from bot.errors import BadValueError
from storage.cipher import CipherError, FieldCipher, derive_keys

OLD, NEW = b"1" * 32, b"2" * 32
CIPHER = FieldCipher({1: OLD}, b"i" * 32)


def test_a_sealed_value_can_be_read_in_its_own_place_only() -> None:
    sealed = CIPHER.seal("11010119990307803X", "graduate:identity_number", "a")
    assert CIPHER.unseal(sealed, "graduate:identity_number", "a") == "11010119990307803X"
    for column, row in (("graduate:identity_number", "b"), ("graduate:mobile", "a")):
        with pytest.raises(CipherError):
            CIPHER.unseal(sealed, column, row)


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_an_altered_value_cannot_be_read(position: int) -> None:
    sealed = bytearray(CIPHER.seal("㛃䶮𬭊😀", "c", "r"))
    sealed[position] ^= 1
    with pytest.raises(CipherError) as caught:
        CIPHER.unseal(bytes(sealed), "c", "r")
    assert "㛃" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 1, 12, 28])
def test_a_cut_value_cannot_be_read(length: int) -> None:
    with pytest.raises(CipherError):
        CIPHER.unseal(CIPHER.seal("text", "c", "r")[:length], "c", "r")


def test_the_same_text_never_looks_the_same_twice() -> None:
    assert CIPHER.seal("text", "c", "r") != CIPHER.seal("text", "c", "r")


def test_after_rotation_old_values_are_read_and_new_ones_need_the_new_key() -> None:
    both = FieldCipher({1: OLD, 2: NEW}, b"i" * 32)
    assert both.unseal(CIPHER.seal("old", "c", "r"), "c", "r") == "old"
    with pytest.raises(CipherError, match="not configured"):
        CIPHER.unseal(both.seal("new", "c", "r"), "c", "r")


def test_the_blind_index_is_equal_for_equal_values_of_one_purpose_and_key_only() -> None:
    index = CIPHER.blind_index("identity_number", "1")
    assert index == FieldCipher({9: NEW}, b"i" * 32).blind_index("identity_number", "1")
    others = {
        CIPHER.blind_index("identity_number", "2"),
        CIPHER.blind_index("mobile", "1"),
        FieldCipher({1: OLD}, b"j" * 32).blind_index("identity_number", "1"),
    }
    assert len(others | {index}) == 4
    assert len(index) == 64


def test_the_derived_keys_are_stable_and_different() -> None:
    """The values stand here because a change of the derivation would make every stored value unreadable."""
    key, index_key = derive_keys(b"m" * 32)
    assert (key.hex()[:16], index_key.hex()[:16]) == ("b09f276cca3ea843", "50092feba21cb31b")
    assert derive_keys(b"n" * 32)[0] != key


@pytest.mark.parametrize(
    ("keys", "index_key"), [({}, NEW), ({0: OLD}, NEW), ({256: OLD}, NEW), ({1: b"short"}, NEW), ({1: OLD}, b"short")]
)
def test_unfit_keys_are_refused(keys: dict[int, bytes], index_key: bytes) -> None:
    with pytest.raises(BadValueError):
        FieldCipher(keys, index_key)


def test_a_short_master_secret_is_refused() -> None:
    with pytest.raises(BadValueError):
        derive_keys(b"m" * 31)
