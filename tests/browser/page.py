"""A real browser (Chromium), in the words of a person who uses the phone page."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --lang=zh-CN --window-size=1280,860"
)
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
ACTIVE = ".phone.active"


@contextmanager
def opened_chrome(profile: Path, downloads: Path) -> Iterator[webdriver.Chrome]:
    """Open Chromium; skip where there is none, or fail if QUXIANG_REQUIRE names the browser."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or browser is None:
        message = "browser: chromium or its driver is not installed; QUXIANG_REQUIRE=browser makes this a failure"
        if "browser" in os.environ.get("QUXIANG_REQUIRE", "").split(","):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


class Page:
    """The page in the browser; every wait has an end."""

    def __init__(self, chrome: webdriver.Chrome, pictures: Path) -> None:
        self.chrome = chrome
        self.pictures = pictures

    def as_phone(self) -> None:
        """Be a phone, 360 pixels wide."""
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)

    def as_desk(self, width: int = 1280, height: int = 860) -> None:
        """Be the screen of an office."""
        desk = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", desk)

    def open(self, url: str) -> None:
        """Go to an address."""
        self.chrome.get(url)

    def wait(self, holds: Callable[[], object], what: str, seconds: float = 15) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while True:
            # An element may go while it is looked at, when a page loads; then look again.
            with suppress(StaleElementReferenceException, NoSuchElementException):
                if holds():
                    return
            assert time.monotonic() < end, f"in vain: {what}"
            time.sleep(0.05)

    def all(self, selector: str) -> list[WebElement]:
        """Find everything a selector names."""
        return list(self.chrome.find_elements(By.CSS_SELECTOR, selector))

    def click(self, selector: str) -> None:
        """Click the newest element of a selector as soon as it is there."""
        self.wait(lambda: self.all(selector), selector)
        self.all(selector)[-1].click()

    def reads(self, text: str, selector: str = f"{ACTIVE} .say.them:last-child, {ACTIVE} .system:last-child") -> None:
        """Wait until a text can be read, by default in the newest bubble."""
        self.wait(lambda: any(text in each.text for each in self.all(selector)), f"{text} in {selector}")

    def types(self, text: str) -> None:
        """Type a message and send it."""
        if not self.all(f"{ACTIVE} textarea")[0].is_displayed():
            self.click(f"{ACTIVE} .to-keys")
        self.all(f"{ACTIVE} textarea")[0].send_keys(text + Keys.ENTER)

    def taps(self, words: str) -> None:
        """Tap the newest blue words."""

        def found() -> list[WebElement]:
            return [each for each in self.all(f"{ACTIVE} .bubble a") if each.text == words]

        self.wait(found, words)
        found()[-1].click()

    def enters_overlay(self, text: str) -> None:
        """Wait for a web page inside the phone, and look at it from inside."""
        self.wait(lambda: self.all(f"{ACTIVE} .browser iframe"), "the overlay")
        self.chrome.switch_to.frame(self.all(f"{ACTIVE} .browser iframe")[0])
        self.reads(text, "body")

    def leaves_overlay(self) -> None:
        """Close the web page and be back in the chat."""
        self.chrome.switch_to.default_content()
        self.click(f"{ACTIVE} .browser .close")

    def photographs(self, name: str) -> Path:
        """Save what can be seen now."""
        path = self.pictures / f"{name}.png"
        self.chrome.save_screenshot(str(path))
        return path

    def fits(self, width: int) -> bool:
        """Tell whether nothing sticks out to the right."""
        inside: int = self.chrome.execute_script("return document.documentElement.scrollWidth")
        return inside <= width

    def complaints(self) -> list[str]:
        """Return what the browser complained about since the last time."""
        log = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]  # selenium left it untyped
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]
