"""Reports in headless Chromium: what is rendered, and that nothing of a corpus runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from falconql.report import write_page
from falconql.report.collect import MOST_OF_ONE_TEXT
from tests.report.test_page import BODIES, QUERY, collected

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
DRIVER = shutil.which("chromedriver") or ""
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver here")


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def shown(browser: webdriver.Chrome, tmp_path: Path) -> Any:
    def show(data: dict[str, Any]) -> webdriver.Chrome:
        write_page(str(tmp_path / "report.html"), data)
        browser.get((tmp_path / "report.html").as_uri())
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []  # type: ignore[no-untyped-call]
        return browser

    return show


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def wait_for_status(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, 5).until(lambda b: text in b.find_element(By.ID, "status").text)


def test_what_is_there(shown: Any) -> None:
    page = shown(collected())
    assert page.find_element(By.ID, "query").text == QUERY
    assert "where" in texts(page, "#query .keyword")
    assert texts(page, "#summary dd")[:2] == ["4", "3"]
    assert texts(page, "#funnel tbody code") == ["id >= 0", "good"]
    assert len(page.find_elements(By.CSS_SELECTOR, "#scores svg rect")) == 20
    assert len(page.find_elements(By.CSS_SELECTOR, "#scores svg line")) == 1
    assert texts(page, "#values .values button") == ["Anna\n3", "Bob\n1", "Anna\n2"]
    assert page.find_element(By.ID, "status").text == "3 of 3 rows"
    assert len(page.find_elements(By.CSS_SELECTOR, "#list > li")) == 3


def test_spans_are_marked_where_they_are_even_behind_an_emoji(shown: Any) -> None:
    page = shown(collected())
    second = page.find_elements(By.CSS_SELECTOR, "#list > li")[1]
    body = second.find_elements(By.TAG_NAME, "dd")[1]
    assert body.text == BODIES[2]
    assert [mark.text for mark in body.find_elements(By.TAG_NAME, "mark")] == ["Anna", "Bob"]


def test_a_script_in_a_text_is_shown_and_not_run(shown: Any) -> None:
    page = shown(collected())
    assert BODIES[3] in texts(page, "#list dd")
    assert len(page.find_elements(By.TAG_NAME, "script")) == 2
    assert page.title == "FalconQL: texts <b>"


def test_a_text_with_a_letter_that_lower_case_makes_longer_is_searched_and_marked(shown: Any) -> None:
    page = shown(collected('select body, found: label("has good")', ["İstanbul is good", "other"]))
    page.find_element(By.ID, "search").send_keys("istanbul is")
    wait_for_status(page, "1 of 2 rows")
    assert texts(page, "mark.hit") == ["İstanbul is"]


def test_search_choose_and_clear(shown: Any) -> None:
    page = shown(collected())
    page.find_element(By.ID, "search").send_keys("BOB")
    wait_for_status(page, "1 of 3 rows")
    assert "Bob" in texts(page, "#list mark")
    page.find_element(By.ID, "clear").click()
    wait_for_status(page, "3 of 3 rows")
    page.find_element(By.CSS_SELECTOR, "#values .values button").click()
    wait_for_status(page, "2 of 3 rows, only who “Anna”")
    select = next(box for box in page.find_elements(By.TAG_NAME, "select"))
    Select(select).select_by_visible_text(BODIES[0])
    wait_for_status(page, "1 of 3 rows")


def test_a_common_value_shows_the_rows_that_its_number_counts(shown: Any) -> None:
    bodies = ["a Stra\u00dfe", "a STRASSE", "a strasse\u0085x", "a Strasse x"]
    page = shown(collected('select body, who: spans("re: [Ss]tra.*|STRA.*")', bodies))
    for button, rows in zip(page.find_elements(By.CSS_SELECTOR, "#values button"), (2, 2), strict=True):
        assert button.text.endswith(f"\n{rows}")
        page.find_element(By.ID, "clear").click()
        button.click()
        wait_for_status(page, f"{rows} of 4 rows")


def boxes(page: webdriver.Chrome) -> dict[str, Select]:
    return {
        label.text.split()[0]: Select(label.find_element(By.TAG_NAME, "select"))
        for label in page.find_elements(By.CSS_SELECTOR, "#filters label")
    }


def test_null_is_not_the_text_null(shown: Any) -> None:
    data = collected()
    for row, value in zip(data["rows"], (None, "null", "x"), strict=True):
        row[1] = value
    page = shown(data)
    box = boxes(page)["body"]
    assert [option.text for option in box.options] == ["any", "null", "x", "null (no value)"]
    for choice in ("null", "null (no value)"):
        box.select_by_visible_text(choice)
        wait_for_status(page, "1 of 3 rows")
        assert [
            row.get_attribute("class") or "" for row in page.find_elements(By.CSS_SELECTOR, "#list dd:nth-of-type(2)")
        ] == ["null" if choice != "null" else ""]
        assert box.first_selected_option.text == choice
    box.select_by_visible_text("any")
    wait_for_status(page, "3 of 3 rows")


def test_long_values_make_no_box_and_others_keep_the_page_narrow(shown: Any) -> None:
    page = shown(collected(bodies=["good " + "W" * 55, "good"]))
    assert list(boxes(page)) == ["body"]
    assert page.find_element(By.TAG_NAME, "select").size["width"] <= 320
    assert "body" not in boxes(shown(collected(bodies=["good " + "word " * 60, "good"])))


def test_times_are_plain_numbers(shown: Any) -> None:
    data = collected()
    for seconds, said in (
        (0.163, "163 ms"),
        (0.0999, "100 ms"),
        (0.00163, "1.63 ms"),
        (0.9999, "1000 ms"),
        (3.21, "3.2 s"),
    ):
        data["summary"]["seconds"] = seconds
        assert texts(shown(data), "#summary dd")[2] == said


def test_a_text_that_is_cut_says_so(shown: Any) -> None:
    for length, button, note in (
        (MOST_OF_ONE_TEXT + 1, "More of the text", "only the first 20,000 characters"),
        (MOST_OF_ONE_TEXT, "Whole text", ""),
    ):
        page = shown(collected(bodies=["good " + "\U0001f600" * (length - 5)]))
        last = page.find_elements(By.CSS_SELECTOR, "#list dd")[2]
        assert button in last.text
        assert ("The page holds" in last.text) == bool(note)
        assert note in last.text


def test_an_empty_result(shown: Any) -> None:
    page = shown(collected(bodies=[]))
    assert page.find_element(By.ID, "status").text == "0 of 0 rows"
    assert page.find_element(By.ID, "place").text == "Page 1 of 1"


def test_ten_thousand_rows_stay_usable(shown: Any) -> None:
    page = shown(collected(bodies=[f"text {i} is good, says Anna" for i in range(10_500)]))
    assert (
        "10,000 of 10,000 rows (the page holds the first 10,000 of 10,500)" in page.find_element(By.ID, "status").text
    )
    assert len(page.find_elements(By.CSS_SELECTOR, "#list > li")) == 50
    page.find_element(By.ID, "next").click()
    assert page.find_element(By.ID, "place").text == "Page 2 of 200"
    taken = page.execute_script(
        "const box = document.getElementById('search'); const start = performance.now();"
        "box.value = '9999'; box.dispatchEvent(new Event('input'));"
        "return new Promise(done => setTimeout(() => done(performance.now() - start), 400));"
    )
    wait_for_status(page, "1 of 10,000 rows")
    assert taken < 5000


def test_the_keyboard_reaches_everything(shown: Any) -> None:
    page = shown(collected())
    reached = set()
    for _ in range(40):
        page.switch_to.active_element.send_keys(Keys.TAB)
        focused = page.switch_to.active_element
        reached.add(focused.get_attribute("id") or focused.tag_name)
    assert {"theme", "search", "clear"} <= reached
    assert {"button", "select", "summary"} <= reached


def contrast(page: webdriver.Chrome, selector: str) -> float:
    """Return the contrast of an element's text with its background, as WCAG defines it."""
    ratio: float = page.execute_script(
        """
        const channel = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => channel(v / 255))
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const node = document.querySelector(arguments[0]);
        const paper = (n) => getComputedStyle(n).backgroundColor;
        let behind = node;
        while (behind && paper(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
        const [a, b] = [light(getComputedStyle(node).color), light(paper(behind || document.body))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        """,
        selector,
    )
    return ratio


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "selector",
    [
        "h1 span",
        "#query .keyword",
        "#query .text",
        "#query .number",
        "#summary dt",
        "#list dt",
        "#list mark",
        "#status",
    ],
)
def test_texts_stand_out_in_light_and_dark(shown: Any, theme: str, selector: str) -> None:
    page = shown(collected())
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    assert contrast(page, selector) >= 4.5


def test_the_theme_is_switched(shown: Any) -> None:
    page = shown(collected())
    button = page.find_element(By.ID, "theme")
    before = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    button.click()
    assert page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color") != before
    assert button.get_attribute("aria-pressed") == "true"
    root = page.find_element(By.TAG_NAME, "html")
    assert root.value_of_css_property("color-scheme") == "dark"
    button.click()
    assert root.value_of_css_property("color-scheme") == "light"


def test_a_narrow_window_needs_no_sideways_scrolling(shown: Any) -> None:
    page = shown(collected(bodies=["good " + "word" * 60]))
    page.set_window_size(400, 900)
    wide = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_window_size(1200, 1600)
    assert wide <= 0
