"""The page in a browser: what is drawn, what filters do, and that no text runs as a script."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from spacy.tokens import Doc

from spacy_str_encoder.visualize import compare_docs, render, view_doc

from .test_visualize import ACME, ADA, HOSTILE, ROME, WORDS, make_doc

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(params=[1280, 400], ids=["wide", "narrow"])
def page(request: Any, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    failures: list[Any] = []
    page.on("pageerror", lambda error: failures.append(error))
    page.on("dialog", lambda dialog: failures.append(dialog))
    yield page
    page.close()
    assert not failures


def show(page: Page, path: Path, views: Any) -> None:
    render(views, title="Test").save(path)
    page.goto(path.as_uri())


def uncheck(page: Page, name: str) -> None:
    page.get_by_role("checkbox", name=name, exact=True).uncheck()


def gold_and_found() -> tuple[Doc, Doc]:
    gold = make_doc([ADA, ACME, ROME], [(ADA, "works_for", ACME), (ACME, "in", ROME)])
    found = make_doc([ADA, ACME], [(ADA, "works_for", ACME), (ACME, "knows", ADA)])
    return found, gold


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    found = [element.bounding_box() for element in page.locator(selector).all()]
    return [dict(box) for box in found if box is not None]


def arcs(page: Page) -> list[str]:
    return page.locator("svg text").filter(visible=True).all_text_contents()


def test_arcs_have_labels_and_scores_and_end_at_their_entities(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path / "page.html", [view_doc(gold_and_found()[1])])
    assert sorted(arcs(page)) == ["in 0.50", "works_for 0.50"]
    acme = boxes(page, "mark")[1]
    [tip] = [
        box
        for box, group in zip(
            boxes(page, "svg .tip"), page.locator("svg g:has(.tip)").all(), strict=True
        )
        if "works_for" in (group.text_content() or "")
    ]
    assert tip["x"] + tip["width"] / 2 == pytest.approx(acme["x"] + acme["width"] / 2, abs=2)
    assert tip["y"] + tip["height"] == pytest.approx(acme["y"], abs=2)


def test_the_table_of_relations_opens(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path / "page.html", [view_doc(gold_and_found()[1])])
    row = page.locator("tr.relation", has_text="works_for")
    assert not row.is_visible()
    page.get_by_text("2 relations").click()
    assert row.locator("td").all_text_contents() == ["Ada", "works_for", "Acme", "0.50"]
    assert row.is_visible()


def test_nothing_is_wider_than_the_window(page: Page, tmp_path: Path) -> None:
    long = make_doc([ADA, (20, 26, "ORG")], [(ADA, "works_for", (20, 26, "ORG"))], WORDS * 20)
    word = make_doc([(0, 1, "LONG")], [], ["狭窄" * 200])
    show(page, tmp_path / "page.html", [view_doc(long), view_doc(word)])
    width = page.evaluate("window.innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in boxes(page, "svg text"):
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_arcs_do_not_cross_the_text(page: Page, tmp_path: Path) -> None:
    places = [(i, i + 1, "A") for i in range(0, 60, 3)]
    relations = [(places[i], "to", places[(7 * i + 3) % 20]) for i in range(20)]
    show(page, tmp_path / "page.html", [view_doc(make_doc(places, relations, WORDS * 10))])
    labels = boxes(page, "svg text")
    assert len(labels) == 20
    for label in labels:
        for mark in boxes(page, "mark"):
            apart_y = label["y"] + label["height"] <= mark["y"] + 1 or (
                mark["y"] + mark["height"] <= label["y"] + 1
            )
            apart_x = label["x"] + label["width"] <= mark["x"] or (
                mark["x"] + mark["width"] <= label["x"]
            )
            assert apart_y or apart_x


def test_the_window_may_change_its_size(page: Page, tmp_path: Path) -> None:
    long = make_doc([ADA, (20, 21, "ORG")], [(ADA, "works_for", (20, 21, "ORG"))], WORDS * 8)
    show(page, tmp_path / "page.html", [view_doc(long)])
    page.set_viewport_size({"width": 600, "height": 900})
    page.wait_for_function("document.querySelector('svg').clientWidth < 600")
    marks, paths = boxes(page, "mark"), boxes(page, "svg .tip")
    assert paths[0]["x"] + paths[0]["width"] / 2 == pytest.approx(
        marks[1]["x"] + marks[1]["width"] / 2, abs=2
    )


def test_filters_by_kind_and_label(page: Page, tmp_path: Path) -> None:
    correct = make_doc([ADA], [], ["Ada"])
    show(
        page,
        tmp_path / "page.html",
        [compare_docs(*gold_and_found()), compare_docs(correct, correct)],
    )
    assert sorted(arcs(page)) == ["in", "knows 0.50", "works_for 0.50"]
    assert page.locator("#shown").text_content() == "2 of 2 documents"
    uncheck(page, "correct")
    assert sorted(arcs(page)) == ["in", "knows 0.50"]
    assert page.locator("#shown").text_content() == "1 of 2 documents"
    assert page.locator("mark:not(.off)").all_text_contents() == ["RomeLOCmissed"]
    uncheck(page, "missed")
    assert arcs(page) == ["knows 0.50"]
    uncheck(page, "knows")
    assert arcs(page) == []
    assert page.locator("#shown").text_content() == "0 of 2 documents"


def test_an_entity_in_focus_shows_its_own_relations(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path / "page.html", [view_doc(gold_and_found()[1])])
    page.locator("mark", has_text="Rome").focus()
    assert page.locator("svg.dim .lit text").all_text_contents() == ["in 0.50"]
    page.keyboard.press("Shift+Tab")
    assert len(page.locator("svg.dim .lit text").all()) == 2


def test_a_text_of_script_runs_nothing(page: Page, tmp_path: Path) -> None:
    image = "<img src=x onerror=alert(1)>"
    doc = make_doc([(0, 1, HOSTILE)], [((0, 1, HOSTILE), image, (1, 2, image))], [HOSTILE, image])
    show(page, tmp_path / "page.html", [view_doc(doc)])
    assert arcs(page) == [f"{image} 0.50"]
    assert HOSTILE in (page.locator(".text").text_content() or "")
    assert page.locator("img").count() == 0
    # Even if something got through: the page allows no script but its own.
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        "{textContent: 'window.hasRun = true'}))"
    )
    assert page.evaluate("window.hasRun") is None


def test_many_docs_are_drawn_as_they_come_into_view(page: Page, tmp_path: Path) -> None:
    doc = gold_and_found()[1]
    show(page, tmp_path / "page.html", [view_doc(doc)] * 200)
    drawn = page.locator("article[data-drawn]").count()
    assert 0 < drawn < 100
    page.locator("#doc-200").scroll_into_view_if_needed()
    page.wait_for_selector("#doc-200[data-drawn] svg text")
