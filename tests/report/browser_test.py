#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a report in headless Chromium, offline, as a reader would: no console error, the table sorts and filters by mouse
and keyboard, every chart is drawn, it reads at 400 px and in dark mode, and it prints.

Usage: browser_test.py COMMAND [ARG ...]     a command that prints the page, or one .html file
Exit 77 (skipped) when there is no browser, unless MEDLAR_REQUIRE_BROWSER=1 makes that a failure.
"""
import base64
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CHARTS = ("timeline", "network", "roofline", "memory", "bytes", "energy")


def missing(what):
    print(f"browser_test: no {what}; scripts/install-deps brings it")
    sys.exit(1 if os.environ.get("MEDLAR_REQUIRE_BROWSER") == "1" else 77)


try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    missing("selenium")


def open_browser(profile):
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        missing("chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                 "--window-size=1280,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def column(browser, index):
    return [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, f"#layer-table tbody td:nth-child({index})")]


def check_loads(browser):
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.body.dataset.ready") == "true")
    errors = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert not errors, errors
    for chart in CHARTS:
        drawn = browser.execute_script("return document.querySelectorAll(arguments[0] + ' .main-svg').length", f"#{chart}")
        assert drawn > 0, f"chart {chart} is not drawn"
    assert "broken" not in browser.title
    origins = {item.text for item in browser.find_elements(By.CSS_SELECTOR, "#figures .origin")}
    assert origins and origins <= {"bit-exact", "modelled", "measured", "counted"}, origins


def check_table(browser):
    rows = len(column(browser, 1))
    assert rows == 50, rows
    header = browser.find_element(By.CSS_SELECTOR, "#layer-table th:nth-child(6)")
    header.click()
    header.click()
    times = [float(text) for text in column(browser, 6)]
    assert times == sorted(times, reverse=True), times[:5]
    macs = browser.find_element(By.CSS_SELECTOR, "#layer-table th:nth-child(7)")
    macs.send_keys(Keys.ENTER)
    values = [float(text) for text in column(browser, 7)]
    assert values == sorted(values), "sorting by keyboard"
    Select(browser.find_element(By.ID, "engine-filter")).select_by_visible_text("GPU")
    assert set(column(browser, 4)) == {"GPU"}, set(column(browser, 4))
    assert all(text.startswith("MDL") for text in column(browser, 13))
    Select(browser.find_element(By.ID, "engine-filter")).select_by_index(0)
    search = browser.find_element(By.CSS_SELECTOR, ".dataTables_filter input")
    search.send_keys("layer_42")
    assert column(browser, 2) == ["layer_42"]
    search.send_keys(Keys.CONTROL, "a")
    search.send_keys(Keys.DELETE)


def check_keyboard(browser):
    """Tab reaches the skip link first, then filters, headers and pages."""
    reached = set()
    browser.refresh()
    check_loads(browser)
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    for _ in range(40):
        active = browser.switch_to.active_element
        reached.add((active.tag_name, active.get_attribute("id") or active.get_attribute("class").split(" ")[0]))
        active.send_keys(Keys.TAB)
    tags = {tag for tag, _ in reached}
    assert ("a", "skip") in reached and ("select", "engine-filter") in reached, reached
    assert "th" in tags and "input" in tags, tags


def check_narrow_and_dark(browser):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    WebDriverWait(browser, 10).until(lambda b: b.execute_script("return document.documentElement.scrollWidth") <= 400,
                                     "the page is wider than a 400 px screen")
    light = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    dark, ink = browser.execute_script("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
    assert light != dark, (light, dark)
    assert contrast(dark, ink) >= 7, (dark, ink)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def contrast(a, b):
    """WCAG contrast ratio of two CSS rgb() colours."""
    def luminance(colour):
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1:-1].split(",")[:3]]
        r, g, b_ = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b_
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def check_prints(browser):
    pdf = base64.b64decode(browser.print_page())
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000, len(pdf)


def main():
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "report.html")
        argument = pathlib.Path(sys.argv[1])
        page.write_bytes(argument.read_bytes() if argument.suffix == ".html" else
                         subprocess.run(sys.argv[1:], check=True, capture_output=True).stdout)
        browser = open_browser(pathlib.Path(folder, "profile"))
        try:
            browser.get(page.as_uri())
            check_loads(browser)
            if argument.suffix != ".html":
                check_table(browser)
            check_keyboard(browser)
            check_narrow_and_dark(browser)
            check_prints(browser)
            if os.environ.get("MEDLAR_SCREENSHOT"):
                browser.save_screenshot(os.environ["MEDLAR_SCREENSHOT"])
        finally:
            browser.quit()
    print("browser_test: passed")


if __name__ == "__main__":
    main()
