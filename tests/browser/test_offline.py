"""The offline page in a real browser: kept on the device, handed out only when the server does not answer."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.registration.verification import Subject
from tests.browser.page import Page
from tests.browser.site import Site, opened_site
from tests.vectors.files import KEYLISTS, LISTS, TOKENS
from tests.vectors.tokens import body, token

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

GOOD = token(body())
RETIRED = token(body(kid=4))
FORMER = token(body(kid=1))
IN_FORCE = ("生效中", "in force")
GENUINE, UNREADABLE, UNKNOWN, KEY_RETIRED, ALTERED, CLOCK_WRONG, NO_LIST = (f"L{number}" for number in range(7))

IN_PAGE = """
const [call, vectors, done] = arguments;
import("/static/offline/check.js").then(async ({ check, acceptList }) => {
  const lists = {};
  for (const [name, text] of Object.entries(vectors.keys)) lists[name] = (await acceptList(text)).list;
  const answers = [];
  for (const each of vectors.vectors) {
    if (call === "check") answers.push(await check(each.token, lists[each.keys], each.clock));
    else answers.push((await acceptList(each.text, each.at_least, each.root)).fault || "accept");
  }
  done(answers);
}).catch((error) => done([String(error)]));
"""
KEPT = """
const done = arguments[0];
(async () => {
  const kept = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) kept.push(new URL(request.url).pathname);
  }
  return kept;
})().then(done);
"""
READY = "const done = arguments[0]; navigator.serviceWorker.ready.then((it) => done(it.active.state));"


@pytest.fixture
def site(tmp_path: Path, page: Page) -> Iterator[Site]:
    """A site of its own for each test: browsers keep things by address."""
    page.as_phone()
    with opened_site(tmp_path) as opened:
        yield opened
        page.open("about:blank")
    page.complaints()  # what is out of reach is told in the log, and no other test should read it


def installed(page: Page, site: Site, path: str = "/verify/offline") -> None:
    """Open a page while online, and wait until the browser keeps what it needs."""
    page.open(f"{site.url}{path}")
    page.wait(lambda: page.chrome.execute_async_script(READY) == "activated", "the worker")


def asks(page: Page, text: str) -> None:
    """Paste a code and ask."""
    page.wait(lambda: page.all("#ask:not([hidden])"), "the form")
    page.chrome.execute_script("arguments[0].value = arguments[1]", page.all("#token")[0], text)
    page.click("#ask button")


def says(page: Page, code: str) -> str:
    """Wait for a verdict with this code, and see that it could not be taken for a live one."""
    page.reads(code, "#verdict .code")
    assert not page.all(".good")
    text = page.all("body")[0].text
    assert not [word for word in IN_FORCE if word in text]
    return text


def test_the_check_of_the_page_agrees_with_every_vector_of_a_token(page: Page, site: Site) -> None:
    page.open(f"{site.url}/verify/offline")
    answers = page.chrome.execute_async_script(IN_PAGE, "check", TOKENS)
    assert answers == [vector["expect"] for vector in TOKENS["vectors"]]


def test_the_check_of_the_page_agrees_with_every_vector_of_a_key_list(page: Page, site: Site) -> None:
    page.open(f"{site.url}/verify/offline")
    answers = page.chrome.execute_async_script(IN_PAGE, "accept", KEYLISTS | {"keys": {}})
    assert answers == [vector["expect"] for vector in KEYLISTS["vectors"]]


def test_no_token_with_one_flipped_bit_is_genuine(page: Page, site: Site) -> None:
    page.open(f"{site.url}/verify/offline")
    raw = base64.b32decode(f"{GOOD}====")
    flipped = [_flipped(raw, bit) for bit in range(len(raw) * 8)]
    vectors = [{"token": text, "keys": "usual", "clock": "2026-07-01T02:00:00Z"} for text in (GOOD, *flipped)]
    answers = page.chrome.execute_async_script(IN_PAGE, "check", {"keys": LISTS, "vectors": vectors})
    assert len(flipped) == 736
    assert [answer["genuineness"] for answer in answers].count("genuine") == 1
    assert answers[0]["genuineness"] == "genuine"


def test_the_page_opens_and_checks_when_the_server_is_gone(page: Page, site: Site) -> None:
    installed(page, site)
    page.photographs("offline-01-online")
    site.close()
    page.open(f"{site.url}/verify/offline")
    asks(page, f" {site.url}/v/{GOOD.lower()}?lang=en\n")
    text = says(page, GENUINE)
    assert "真实性已确认；当前状态未知" in text
    assert "密钥清单同步于" in text
    assert "23127150" in text
    assert "2026-12-25" in text
    assert page.fits(360)
    page.photographs("offline-02-genuine")
    page.as_desk()
    page.photographs("offline-03-genuine-desk")


@pytest.mark.parametrize("door", ["V", "v"])
def test_a_scan_without_the_server_is_answered_by_the_kept_page(page: Page, site: Site, door: str) -> None:
    installed(page, site)
    site.close()
    page.open(f"{site.url}/{door}/{GOOD}")
    text = says(page, GENUINE)
    assert "暂时连不上" in text
    page.open(f"{site.url}/{door}/{GOOD[:-1]}")
    says(page, UNREADABLE)
    page.open(f"{site.url}/{door}/{RETIRED}?lang=en")
    assert "Signing key retired" in says(page, KEY_RETIRED)


def test_a_broken_server_is_answered_for_and_a_working_one_never(page: Page, site: Site) -> None:
    archive = site.stage.code(Subject.ARCHIVE)
    installed(page, site)
    page.open(f"{site.url}{archive}")
    page.reads("V0", ".good .code")
    site.is_broken = True
    page.open(f"{site.url}{archive}")
    says(page, GENUINE)
    site.is_broken = False
    page.open(f"{site.url}{archive}")
    page.reads("V0", ".good .code")


def test_a_server_that_never_answers_is_waited_for_five_seconds(page: Page, site: Site) -> None:
    installed(page, site)
    site.is_silent = True
    page.open(f"{site.url}/V/{GOOD}")
    says(page, GENUINE)


def test_a_device_that_only_ever_scanned_can_check_offline(page: Page, site: Site) -> None:
    installed(page, site, site.stage.code(Subject.ARCHIVE))
    site.close()
    page.open(f"{site.url}/V/{GOOD}")
    says(page, GENUINE)


def test_a_scan_reaches_the_server_once_and_is_never_kept(page: Page, site: Site) -> None:
    installed(page, site)
    for subject in Subject:
        page.open(f"{site.url}{site.stage.code(subject)}")
        page.reads("V0", ".code")
        assert site.asked.count(site.stage.code(subject)) == 1
    page.open(f"{site.url}/V/{GOOD}")
    kept = page.chrome.execute_async_script(KEPT)
    assert "/verify/offline" in kept
    assert not [path for path in kept if path.lower().startswith("/v/")]
    store = page.chrome.execute_script("return JSON.stringify({...localStorage, ...sessionStorage})")
    assert GOOD not in store
    assert not page.complaints()


def test_a_genuine_token_is_refused_once_a_newer_list_retires_its_key(page: Page, site: Site) -> None:
    installed(page, site)
    asks(page, FORMER)
    says(page, GENUINE)
    site.key_list = LISTS["newer"]
    page.open(f"{site.url}/verify/offline")
    page.reads("8", "#list [data-fill=version]")
    site.close()
    page.open(f"{site.url}/V/{FORMER}")
    says(page, KEY_RETIRED)
    page.photographs("offline-04-retired")


def test_an_older_list_is_not_taken_and_cannot_bring_a_key_back(page: Page, site: Site) -> None:
    installed(page, site)
    asks(page, RETIRED)
    says(page, KEY_RETIRED)
    site.key_list = LISTS["older"]
    page.open(f"{site.url}/verify/offline")
    page.reads("比见过的旧", "[data-fault=list_rollback]")
    page.reads("7", "#list [data-fill=version]")
    asks(page, RETIRED)
    says(page, KEY_RETIRED)
    page.photographs("offline-05-rollback")
    site.close()
    page.open(f"{site.url}/V/{RETIRED}")
    says(page, KEY_RETIRED)


def test_a_list_of_another_root_is_not_taken_after_the_first_visit(page: Page, site: Site) -> None:
    installed(page, site)
    page.reads("7", "#list [data-fill=version]")
    site.key_list = vector_text("a newer list of a stranger")
    page.open(f"{site.url}/verify/offline")
    page.reads("换了根密钥", "[data-fault=list_other_root]")
    page.reads("7", "#list [data-fill=version]")


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("去向", UNREADABLE, "读不出来"),
        (token(body(kid=9), bytes(64)), UNKNOWN, "签发密钥不在清单中"),
        (RETIRED, KEY_RETIRED, "签发密钥已停用"),
        (token(body(), bytes(64)), ALTERED, "签名不符"),
        (token(body(issued=2**31)), CLOCK_WRONG, "本机时钟不对"),
        (f"https://quxiang.example.com/V/{GOOD}", GENUINE, "指向另一个网站"),
    ],
)
def test_every_verdict_has_its_own_words(page: Page, site: Site, text: str, code: str, word: str) -> None:
    page.open(f"{site.url}/verify/offline")
    page.reads("7", "#list [data-fill=version]")
    asks(page, text)
    assert word in says(page, code)
    page.photographs(f"offline-{code}")
    assert page.fits(360)


def test_without_a_key_list_nothing_is_judged(page: Page, site: Site) -> None:
    site.key_list = "<!doctype html>"
    page.open(f"{site.url}/verify/offline")
    asks(page, GOOD)
    assert "现在无法核验" in says(page, NO_LIST)
    assert page.all("[data-fault=list_malformed]")[0].is_displayed()


def test_without_scripts_the_page_says_so_and_names_the_other_ways(page: Page, site: Site) -> None:
    page.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.open(f"{site.url}/verify/offline")
        page.reads("需要启用 JavaScript", "#needs-script")
        assert not page.all("#ask")[0].is_displayed()
        page.reads("/verify", ".points")
    finally:
        page.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def vector_text(name: str) -> str:
    """Return the list of a vector."""
    return str(next(vector["text"] for vector in KEYLISTS["vectors"] if vector["name"] == name))


def _flipped(raw: bytes, bit: int) -> str:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return base64.b32encode(changed).rstrip(b"=").decode()
