"""The page of the service in a browser: what it shows and hides, in two languages, and what it can
not do."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from .pipelines import TEXTS
from .services import Service, run_here, run_service
from .test_visualize_page import CHROMIUM, browser

__all__ = ["browser"]

HOSTILE = "<img src=x onerror=alert(1)>"
RESULT = {
    "id": None,
    # Each of the two signs counts as one character, but as two in JavaScript.
    "text": f"😀😀 Ada works at Acme Rome{HOSTILE}",
    "entities": [
        {"start": 3, "end": 6, "label": "PER", "score": 0.9},
        {
            "start": 16,
            "end": 25,
            "label": HOSTILE,
            "score": 0.8,
            "attributes": {"known": HOSTILE},
            "attribute_scores": {"known": 0.4},
        },
        {"start": 21, "end": 29, "label": "GPE", "score": None},
    ],
    "relations": [
        {"head": 0, "tail": 1, "label": "works_for", "score": 0.72345},
        {"head": 0, "tail": 2, "label": "in", "score": 0.3},
    ],
    "records": [
        {
            "text": "Ada",
            "label": "PER",
            "start": 3,
            "end": 6,
            "score": 0.9,
            "values": {
                "works_for": [
                    {
                        "text": "Acme Rome",
                        "label": "ORG",
                        "start": 16,
                        "end": 25,
                        "score": 0.72345,
                        "values": {},
                    }
                ],
                "in": [
                    {
                        "text": HOSTILE,
                        "label": "GPE",
                        "start": 21,
                        "end": 29,
                        "score": 0.3,
                        "values": {},
                    }
                ],
            },
        }
    ],
}


def test_nothing_is_run_or_loaded_but_what_the_service_has() -> None:
    with run_here() as client:
        page = client.get("/")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|style=|<script>|\son\w+=|://", page.text)
        for path in re.findall(r'(?:src|href)="(.+?)"', page.text):
            assert client.get(f"/{path}").status_code == 200
            assert "://" not in client.get(f"/{path}").text.replace(
                "http://www.w3.org/2000/svg", ""
            )


def test_both_languages_have_the_same_words() -> None:
    with run_here() as client:
        english, chinese = client.get("/words.js").text.split("  zh: {")
        words = re.findall(r'data-word="(\w+)"', client.get("/").text)
    keys = re.findall(r"^    (\w+):", english, re.MULTILINE)
    assert keys == re.findall(r"^    (\w+):", chinese, re.MULTILINE)
    assert {*words} <= {*keys}


pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "tokens").write_text("token")
    with run_service(folder / "log", "--token-file", str(folder / "tokens")) as service:
        yield address_of(service)


def address_of(service: Service) -> str:
    with closing(service.connect()) as client:
        return str(client.base_url)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(params=[1280, 400], ids=["wide", "narrow"])
def page(request: Any, context: BrowserContext, address: str) -> Iterator[Page]:
    """The page, whose service answers with the result above."""
    page = context.new_page()
    page.set_viewport_size({"width": request.param, "height": 900})
    failures: list[Any] = []
    page.on("pageerror", lambda error: failures.append(error))
    page.on("dialog", lambda dialog: failures.append(dialog))
    page.on("console", lambda message: failures.append(message.text))
    page.route("**/annotate", lambda route: route.fulfill(json={"version": 1, "results": [RESULT]}))
    page.goto(address)
    yield page
    assert not failures


def annotate(page: Page, text: str = "text") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("entit"))


def set_threshold(page: Page, value: float) -> None:
    page.get_by_label("Minimum score").fill(str(value))


def labels(page: Page) -> list[str]:
    return page.locator("svg text").all_text_contents()


@pytest.mark.slow
def test_entities_relations_attributes_and_records_are_shown(page: Page) -> None:
    annotate(page)
    assert page.get_by_role("status").text_content() == "3 entities, 2 relations"
    texts = {
        index: "".join(
            page.locator(f"#entity-{index}, [data-of='entity-{index}']").evaluate_all(
                "all => all.filter(each => !all.some(other => other !== each && "
                "other.contains(each))).map(each => { const copy = each.cloneNode(true); "
                "for (const small of copy.querySelectorAll('small')) small.remove(); "
                "return copy.textContent; })"
            )
        )
        for index in range(3)
    }
    assert texts == {0: "Ada", 1: "Acme Rome", 2: f"Rome{HOSTILE[:4]}"}
    assert page.locator("#entity-1 > small").text_content() == f"{HOSTILE}0.80 known={HOSTILE} 0.40"
    # Several lines of text have several arcs for one relation.
    assert {*labels(page)} == {"works_for 0.72", "in 0.30"}
    for name in ("Relations", "Records"):
        page.get_by_text(name, exact=True).click()
    rows = page.locator("tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["Ada", "works_for", "Acme Rome", "0.72"],
        ["Ada", "in", f"Rome{HOSTILE[:4]}", "0.30"],
    ]
    assert page.locator("#records li").all_inner_texts()[1:] == [
        "works_for: Acme Rome 0.72",
        f"in: {HOSTILE} 0.30",
    ]


@pytest.mark.slow
def test_the_threshold_hides_what_is_below(page: Page) -> None:
    annotate(page)
    set_threshold(page, 0.5)
    assert page.get_by_role("status").text_content() == "3 entities, 1 relation"
    assert {*labels(page)} == {"works_for 0.72"}
    expect(page.locator(".attribute")).to_be_hidden()
    # An entity is hidden with its relations, and one without score is certain.
    set_threshold(page, 0.85)
    assert page.get_by_role("status").text_content() == "2 entities, 0 relations"
    assert labels(page) == []
    expect(page.locator("#entity-1 > small")).to_be_hidden()
    expect(page.locator("#entity-2 > small")).to_be_visible()
    page.get_by_text("Records", exact=True).click()
    assert page.locator("#records li").filter(visible=True).all_inner_texts() == ["Ada (PER) 0.90"]
    set_threshold(page, 0)
    assert page.get_by_role("status").text_content() == "3 entities, 2 relations"


@pytest.mark.slow
def test_nothing_is_wider_than_the_window(page: Page) -> None:
    annotate(page)
    for name in ("Relations", "Records"):
        page.get_by_text(name, exact=True).click()
    width = page.evaluate("window.innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_the_page_speaks_chinese_too(page: Page) -> None:
    annotate(page)
    page.get_by_role("button", name="中文").click()
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.get_by_role("status").text_content() == "3 个实体，2 个关系"
    assert page.get_by_role("button").all_text_contents() == ["English", "标注"]
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("status").text_content() == "3 entities, 2 relations"


@pytest.mark.slow
def test_the_language_is_that_of_the_browser(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="zh-TW")
    page.goto(address)
    assert page.get_by_role("heading", level=1).text_content() == "试用流水线"
    page.close()


@pytest.mark.slow
def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    page.get_by_label("Text", exact=True).fill("text")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile("entit"))
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    # Entities hold nothing that the table of relations lacks.
    assert reached == ["BUTTON", "threshold", "SUMMARY", "SUMMARY"]
    page.get_by_label("Minimum score").focus()
    page.keyboard.press("End")
    assert page.get_by_role("status").text_content() == "1 entity, 0 relations"


@pytest.mark.slow
def test_the_page_asks_for_the_token(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Text", exact=True).fill(TEXTS[0])
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("alert")).to_contain_text("The service asks for a token.")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("tok")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The token is wrong.")
    page.keyboard.type("en")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("7 entities, 5 relations")
    assert page.get_by_role("alert").text_content() == ""
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "message"),
    [
        (408, "The text took too long to arrive. Try again."),
        (413, "The text is too long."),
        (503, "The service is busy. Try again later."),
        (500, "The service could not annotate the text."),
        (None, "The service cannot be reached."),
    ],
)
def test_errors_are_shown(
    context: BrowserContext, address: str, status: int | None, message: str
) -> None:
    def refuse(route: Route) -> None:
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, json={"detail": "Because."})

    page = context.new_page()
    page.route("**/annotate", refuse)
    page.goto(address)
    page.get_by_label("Text", exact=True).fill("a")
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("alert")).to_have_text(message)
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("alert")).not_to_have_text(re.compile("[A-Za-z]"))


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", " \n"])
def test_no_text_is_an_error(page: Page, text: str) -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("alert")).to_have_text("There is no text.")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    expect(page.locator("#result")).to_be_hidden()


def respond(page: Page, address: str, text: str, places: list[tuple[int, int]]) -> None:
    """Show entities, the first one related to the last."""
    entities = [
        {"start": start, "end": end, "label": "Kind", "score": 0.5} for start, end in places
    ]
    relation = {"head": 0, "tail": len(places) - 1, "label": "a_long_relation", "score": 0.5}
    result = {"text": text, "entities": entities, "relations": [relation], "records": None}
    page.route("**/annotate", lambda route: route.fulfill(json={"results": [result]}))
    page.goto(address)
    annotate(page)


@pytest.mark.slow
def test_no_line_starts_with_a_sign_that_closes(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    text = "左前降支近段有狭窄改变。左前降支中段无狭窄。"
    respond(page, address, text, [(0, 4), (7, 11), (12, 16), (19, 21)])
    for width in range(240, 420, 12):
        page.set_viewport_size({"width": width, "height": 900})
        for index in (1, 3):
            entity, sign = page.locator(f"#entity-{index}").evaluate(
                "mark => { const range = new Range(); range.selectNode(mark.nextSibling);"
                "return [mark, range].map(each => each.getBoundingClientRect()); }"
            )
            assert sign["left"] >= entity["right"]
            assert sign["right"] <= width


@pytest.mark.slow
def test_a_label_beside_a_short_arc_does_not_hide_it(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    # The arc goes on at the start of the second line.
    respond(page, address, "Ada\nAcme", [(0, 3), (4, 8)])
    places = page.locator("svg .arc").evaluate_all(
        "all => all.map(arc => ['path', 'text'].map(name => "
        "arc.querySelector(name).getBoundingClientRect()))"
    )
    _, (line, label) = sorted(places, key=lambda place: place[0]["y"])
    assert label["left"] >= line["right"]


@pytest.mark.slow
def test_a_text_that_fails_is_an_error(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    answer = {"version": 1, "results": [{"id": None, "error": "On this text."}]}
    page.route("**/annotate", lambda route: route.fulfill(json=answer))
    page.goto(address)
    page.get_by_label("Text", exact=True).fill("a")
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("alert")).to_have_text("The service could not annotate the text.")


@pytest.mark.slow
def test_texts_and_labels_are_never_html(page: Page) -> None:
    annotate(page)
    assert page.locator("img").count() == 0


def test_files_of_the_page_are_part_of_the_package() -> None:
    folder = Path(__file__).parents[1] / "spacy_str_encoder" / "serving"
    setup = (folder.parents[1] / "setup.cfg").read_text("utf-8")
    suffixes = {path.suffix for path in folder.iterdir() if path.suffix not in ("", ".py")}
    [line] = [each for each in setup.splitlines() if each.startswith("spacy_str_encoder.serving")]
    assert suffixes == {each.removeprefix("*") for each in line.partition(" = ")[2].split(", ")}
