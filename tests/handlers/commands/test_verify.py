import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from pypdf import PdfWriter

from bot.registration.report import report_of
from bot.registration.verification import Subject, Verification
from handlers.commands import cli
from handlers.keylist.model import KeyList, KeyState, ReportKey
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from handlers.verification.tokens import VerificationKeys
from tests.handlers.keylist.listing import ROOT, SEEDS, SINCE, key_list
from tests.handlers.report.sample import NOW, SEASON, registered

HERE = Path(__file__).parents[3]
AT = ("--at", NOW.isoformat())
SEAL_KEY = make_seal_key(SEASON.school, NOW)
BASE = "https://quxiang.example.edu.cn"


def archive() -> Verification:
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    return verification


def keys_of(kid: int) -> VerificationKeys:
    return VerificationKeys.of_seeds(kid, {kid: SEEDS[kid]})


TOKEN = keys_of(2).issue(archive())


def sealed_list(state: KeyState = KeyState.CURRENT) -> KeyList:
    """Return a list with the seal's certificate in a state."""
    der = load_pem_x509_certificate(SEAL_KEY.certificate_pem).public_bytes(Encoding.DER)
    mine = ReportKey(der, state, SINCE)
    return key_list(report=(mine,) if state is KeyState.CURRENT else (mine, *key_list().report))


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory of this test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("QUXIANG_CONFIG", str(tmp_path / "none.toml"))
    return tmp_path / "state"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return written(tmp_path / "keys.json", key_list())


def written(path: Path, listed: KeyList, root: Ed25519PrivateKey = ROOT) -> Path:
    path.write_text(listed.sign(root), "utf-8")
    return path


def types(*words: str, **more: Any) -> Result:  # noqa: ANN401 -- handed on to click
    result = CliRunner().invoke(cli, ["verify", *words], obj=None, **more)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def told(*words: str) -> dict[str, Any]:
    result = types("--json", *words)
    found: dict[str, Any] = json.loads(result.output)
    assert found["exit"] == result.exit_code
    return found


@pytest.fixture(scope="module")
def pdf() -> bytes:
    dossier = registered()
    sheet = Sheet(report_of(SEASON, dossier, archive(), NOW), keys_of(2).landing_url(BASE, archive()), BASE[8:])
    return Press(Seal(SEAL_KEY, lambda: NOW)).pdf(sheet)


def test_a_genuine_token_is_told_with_what_it_says_and_where_to_ask_on(keys: Path) -> None:
    result = types(TOKEN, "--keys", str(keys), *AT)
    assert result.exit_code == 0
    for said in ("✓ L0 真实", "Genuine", "23127150", "真实性已确认；是否仍然有效要联网查询", f"{BASE}/verify"):
        assert said in result.output, said


@pytest.mark.parametrize("verdict", ["genuine", "past", "clock"])
def test_it_never_says_that_a_report_is_in_force(keys: Path, verdict: str) -> None:
    days = {"genuine": 0, "past": 4000, "clock": -4000}[verdict]
    output = types(TOKEN, "--keys", str(keys), "--at", (NOW + timedelta(days=days)).isoformat()).output
    assert "生效中" not in output
    assert "in force must be asked online" in output


def test_a_printed_day_that_is_over_is_told_and_still_genuine(keys: Path) -> None:
    result = types(TOKEN, "--keys", str(keys), "--at", "2035-01-01")
    assert result.exit_code == 0
    assert "已过" in result.output


@pytest.mark.parametrize(
    ("token", "verdict", "code"),
    [
        (keys_of(4).issue(archive()), "retired_key", 1),
        (VerificationKeys.of_seeds(9, {9: b"9" * 32}).issue(archive()), "unknown_key", 1),
        (VerificationKeys.of_seeds(2, {2: b"9" * 32}).issue(archive()), "bad_signature", 1),
        (TOKEN[:-1], "malformed", 1),
        ("", "malformed", 1),
    ],
)
def test_what_is_not_genuine_is_told_by_its_name(keys: Path, token: str, verdict: str, code: int) -> None:
    found = told(token, "--keys", str(keys), *AT)
    assert (found["verdict"], found["exit"]) == (verdict, code)
    assert types(token, "--keys", str(keys), *AT).output.startswith("✗ ")


def test_a_wrong_clock_gives_no_verdict(keys: Path) -> None:
    found = told(TOKEN, "--keys", str(keys), "--at", "1970-01-01")
    assert (found["verdict"], found["exit"], found["findings"][0]["is_past"]) == ("clock", 2, False)


def test_an_address_on_another_host_is_warned_of(keys: Path) -> None:
    result = types(f"https://quxiang.example.edu.cn@evil.example/V/{TOKEN}", "--keys", str(keys), *AT)
    assert "不要打开它" in result.output
    assert "不要打开它" not in types(f"{BASE.upper()}/V/{TOKEN}", "--keys", str(keys), *AT).output


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize(
    "text",
    ["{}", "扫到的：\n{}\n", "备注 " + BASE + "/v/{}。", '{{"token": "{}"}}', '{{"u": "https:\\/\\/a.cn\\/V\\/{}"}}'],
)
def test_a_token_is_found_in_a_text_or_json_file(keys: Path, tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "扫码").write_text(text.format(TOKEN), encoding)
    assert told(str(tmp_path / "扫码"), "--keys", str(keys), *AT)["verdict"] == "genuine"


def test_many_scans_in_a_file_are_told_one_by_one_and_the_worst_decides(keys: Path, tmp_path: Path) -> None:
    bad = keys_of(4).issue(archive())
    (tmp_path / "list.txt").write_text(f"{TOKEN}\n{bad}\n{TOKEN}\n")
    found = told(str(tmp_path / "list.txt"), "--keys", str(keys), *AT)
    assert [each["verdict"] for each in found["findings"]] == ["genuine", "retired_key"]
    assert (found["verdict"], found["exit"]) == ("retired_key", 1)


def test_a_file_without_a_token_gives_no_verdict(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("没有 令牌")
    assert told(str(tmp_path / "a.txt"), "--keys", str(keys))["verdict"] == "nothing_found"
    assert types(str(tmp_path / "a.txt"), "--keys", str(keys)).exit_code == 2


def test_a_file_that_is_not_there_is_no_forged_token(keys: Path) -> None:
    result = types("报告.pdf", "--keys", str(keys))
    assert result.exit_code == 2
    assert "找不到这个文件" in result.output


def test_standard_input_is_read_too(keys: Path) -> None:
    assert types("-", "--keys", str(keys), *AT, input=TOKEN + "\n").exit_code == 0


def test_a_report_as_the_school_sealed_it_is_genuine(tmp_path: Path, pdf: bytes) -> None:
    keys = written(tmp_path / "keys.json", sealed_list())
    (tmp_path / "报告.pdf").write_bytes(pdf)
    found = told(str(tmp_path / "报告.pdf"), "--keys", str(keys), *AT)
    assert (found["verdict"], found["findings"][0]["number"]) == ("genuine", "23127150")


def with_note(pdf: bytes) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    writer.add_metadata({"/Title": "another"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("spoil", "verdict", "code"),
    [
        (lambda pdf: pdf + b"\n% more", "added", 1),
        (lambda pdf: pdf[:9000] + bytes([pdf[9000] ^ 1]) + pdf[9001:], "altered", 1),
        (lambda pdf: pdf[: len(pdf) // 2], "damaged", 2),
        (lambda _: b"%PDF-2.0 nothing", "damaged", 2),
    ],
    ids=["appended", "one bit", "half", "only a head"],
)
def test_a_report_that_was_touched_is_not_genuine(
    tmp_path: Path,
    pdf: bytes,
    spoil: Callable[[bytes], bytes],
    verdict: str,
    code: int,
) -> None:
    keys = written(tmp_path / "keys.json", sealed_list())
    (tmp_path / "a.pdf").write_bytes(spoil(pdf))
    found = told(str(tmp_path / "a.pdf"), "--keys", str(keys), *AT)
    assert (found["verdict"], found["exit"]) == (verdict, code)


def test_a_report_written_anew_is_not_genuine(tmp_path: Path, pdf: bytes) -> None:
    keys = written(tmp_path / "keys.json", sealed_list())
    (tmp_path / "a.pdf").write_bytes(with_note(pdf))
    assert told(str(tmp_path / "a.pdf"), "--keys", str(keys), *AT)["exit"] == 1


@pytest.mark.parametrize(
    ("listed", "verdict"),
    [
        (sealed_list(KeyState.FORMER), "genuine"),
        (sealed_list(KeyState.RETIRED), "retired_seal"),
        (key_list(), "foreign"),
    ],
    ids=["former", "retired", "not listed"],
)
def test_the_list_says_whether_a_seal_counts(tmp_path: Path, pdf: bytes, listed: KeyList, verdict: str) -> None:
    keys = written(tmp_path / "keys.json", listed)
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert told(str(tmp_path / "a.pdf"), "--keys", str(keys), *AT)["verdict"] == verdict


def test_without_a_pinned_root_its_fingerprint_is_shown_to_be_compared(keys: Path) -> None:
    root = key_list().fingerprint
    loose = types(TOKEN, "--keys", str(keys), *AT).output
    assert root in loose
    assert "请与学校官网公布的指纹核对" in loose
    grouped = " ".join(root[at : at + 4] for at in range(0, 64, 4)).upper()
    pinned = types(TOKEN, "--keys", str(keys), "--root", grouped, *AT)
    assert pinned.exit_code == 0
    assert root not in pinned.output


def test_a_list_of_another_root_than_pinned_gives_no_verdict(keys: Path) -> None:
    found = told(TOKEN, "--keys", str(keys), "--root", "0" * 64)
    assert (found["verdict"], found["exit"]) == ("list_other_root", 2)


def test_a_list_below_the_version_demanded_gives_no_verdict(keys: Path) -> None:
    assert told(TOKEN, "--keys", str(keys), "--at-least", "4")["verdict"] == "list_rollback"


def test_a_list_older_than_one_seen_before_is_refused(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.json", key_list(3)), written(tmp_path / "new.json", key_list(4))
    assert types(TOKEN, "--keys", str(old), *AT).exit_code == 0
    assert types(TOKEN, "--keys", str(new), *AT).exit_code == 0
    assert told(TOKEN, "--keys", str(old), *AT)["verdict"] == "list_rollback"
    assert types(TOKEN, "--keys", str(old), *AT, "--no-memory").exit_code == 0


def test_a_list_of_a_new_root_for_the_same_host_asks_to_compare_first(tmp_path: Path, keys: Path) -> None:
    types(TOKEN, "--keys", str(keys), *AT)
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    listed = replace(key_list(9), root=stranger.public_key().public_bytes_raw())
    other = written(tmp_path / "other.json", listed, stranger)
    assert told(TOKEN, "--keys", str(other), *AT)["verdict"] == "list_other_root"
    assert types(TOKEN, "--keys", str(other), "--root", listed.fingerprint, *AT).exit_code == 0


def test_no_memory_writes_nothing(keys: Path, state_folder: Path) -> None:
    types(TOKEN, "--keys", str(keys), "--no-memory", *AT)
    assert not state_folder.exists()
    types(TOKEN, "--keys", str(keys), *AT)
    assert state_folder.exists()


def test_a_memory_that_cannot_be_written_does_not_keep_the_verdict_back(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc")  # where not even root makes a folder
    result = types(TOKEN, "--keys", str(keys), *AT)
    assert result.exit_code == 0
    assert "没有记下来" in result.stderr


def test_a_memory_that_cannot_be_read_gives_no_verdict(keys: Path, state_folder: Path) -> None:
    state_folder.write_text("a file where a folder should be")
    assert told(TOKEN, "--keys", str(keys), *AT)["verdict"] == "bad_memory"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe\xff", b"<html>404</html>"])
def test_a_bad_key_list_gives_no_verdict(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys.json").write_bytes(content)
    found = told(TOKEN, "--keys", str(tmp_path / "keys.json"))
    assert (found["verdict"], found["exit"]) == ("list_malformed", 2)


@pytest.mark.parametrize("words", [("--root", "abc"), ("--at", "yesterday")])
def test_a_bad_option_is_told_in_a_sentence(keys: Path, words: tuple[str, str]) -> None:
    result = types(TOKEN, "--keys", str(keys), *words)
    assert result.exit_code == 2
    assert words[0] in result.output


def test_a_missing_key_list_gives_no_verdict(tmp_path: Path) -> None:
    assert told(TOKEN, "--keys", str(tmp_path / "keys.json"))["verdict"] == "unreadable"
    assert told(TOKEN, "--keys", str(tmp_path))["verdict"] == "unreadable"


def run_alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.handlers.commands.alone", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(HERE), "XDG_STATE_HOME": str(folder / "state"), "PYTHONUTF8": "1"},
    )


@pytest.mark.parametrize("what", [TOKEN, "a.pdf"], ids=["token", "pdf"])
def test_it_works_without_settings_database_network_and_home(tmp_path: Path, pdf: bytes, what: str) -> None:
    keys = written(tmp_path / "keys.json", sealed_list())
    (tmp_path / "a.pdf").write_bytes(pdf)
    done = run_alone(tmp_path, "verify", what, "--keys", str(keys), *AT)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "✓ L0 真实" in done.stdout


def test_the_watch_over_it_would_notice_settings_being_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    assert run_alone(tmp_path, "keys", "list").returncode == 99
