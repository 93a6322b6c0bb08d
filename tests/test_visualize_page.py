"""The page in a browser: what is drawn, what filters do, and that no text runs as a script."""

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation
from spacy_str_encoder.visualize import compare_docs, render, view_doc

from .test_visualize import ACME, ADA, HOSTILE, ROME, VOCAB, WORDS, make_doc

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
    """The boxes of all elements that are shown, read at once: the page may draw them again."""
    return page.locator(selector).evaluate_all(
        "all => all.filter(each => each.getClientRects().length).map(each => {"
        " const {x, y, width, height} = each.getBoundingClientRect();"
        " return {x, y, width, height}; })"
    )


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
    # An arc that goes on in the next line has its label there too.
    assert len(labels) == page.locator("svg .arc").count() >= 20
    assert all(is_apart(one, other) for one, other in combinations(labels, 2))
    for label in labels:
        for mark in boxes(page, "mark"):
            apart_y = label["y"] + label["height"] <= mark["y"] + 1 or (
                mark["y"] + mark["height"] <= label["y"] + 1
            )
            apart_x = label["x"] + label["width"] <= mark["x"] or (
                mark["x"] + mark["width"] <= label["x"]
            )
            assert apart_y or apart_x


def test_labels_of_many_arcs_over_one_line_are_apart(page: Page, tmp_path: Path) -> None:
    places = [(0, 1, "A"), (1, 2, "B")]
    relations = [(places[0], f"r{i}", places[1]) for i in range(20)]
    show(page, tmp_path / "page.html", [view_doc(make_doc(places, relations))])
    assert sorted(arcs(page)) == sorted(f"r{i} 0.50" for i in range(20))
    assert all(is_apart(one, other) for one, other in combinations(boxes(page, "svg text"), 2))
    assert all(label["y"] >= boxes(page, "h2")[0]["y"] for label in boxes(page, "svg text"))


def test_no_foot_of_an_arc_is_drawn_over_a_label(page: Page, tmp_path: Path) -> None:
    places = [(i, i + 1, "A") for i in range(20)]
    relations = [(places[i], "to", places[(7 * i + 5) % 20]) for i in range(20) if i % 3]
    show(page, tmp_path / "page.html", [view_doc(make_doc(places, relations, WORDS * 4))])
    # What is drawn later hides what was drawn before: on each line, higher arcs come first.
    labels = boxes(page, "svg text")
    for one, other in combinations(labels, 2):
        if abs(one["x"] - other["x"]) < 40 and abs(one["y"] - other["y"]) < 60:
            assert one["y"] <= other["y"] + 1


def test_an_arc_over_a_line_break_has_its_label_on_both_lines(page: Page, tmp_path: Path) -> None:
    rome = (len(WORDS) * 20 - 1, len(WORDS) * 20, "LOC")
    doc = make_doc([ADA, rome], [(ADA, "in", rome)], WORDS * 20)
    show(page, tmp_path / "page.html", [view_doc(doc)])
    assert arcs(page) == ["in 0.50", "in 0.50"]
    first, last = sorted(boxes(page, "svg text"), key=lambda box: box["y"])
    marks = boxes(page, "mark")
    assert 0 < marks[0]["y"] - first["y"] < 60 and 0 < marks[1]["y"] - last["y"] < 60


def test_all_boxes_of_a_filter_at_once(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path / "page.html", [view_doc(gold_and_found()[0])])
    buttons = page.get_by_role("group", name="Entities")
    shown = page.locator("mark:not(.off)")
    assert shown.count() == 2
    show(page, tmp_path / "page.html", [view_doc(gold_and_found()[1])])
    assert shown.count() == 3
    buttons.get_by_role("button", name="none").click()
    assert shown.count() == 0
    page.get_by_role("checkbox", name="LOC").check()
    assert shown.all_text_contents() == ["RomeLOCfound"]
    buttons.get_by_role("button", name="all").click()
    assert shown.count() == 3


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
    assert {*arcs(page)} == {f"{image} 0.50"}
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


# Entities that overlap

# Nested three deep, crossing, in one place, and over a line break, at the start and at the end of
# lines.
CHARACTERS = (
    "左侧股骨颈头下型骨折术后，双肺纹理增多。第一行有左侧大腿\n上部血肿，第二行也有右肺结节"
)
LAYERS = [(0, 2, "Side"), (2, 5, "Body"), (0, 5, "Body"), (0, 10, "Finding"), (0, 12, "History")]
CROSSING = [(13, 17, "Body"), (15, 19, "Finding")]
IN_ONE_PLACE = [(13, 15, "Body"), (13, 15, "Site")]
BROKEN = [(24, 31, "Body"), (24, 33, "Finding")]
# A short one beside one that is alone, whose box is in the way of labels.
BESIDE = [(41, 42, "A"), (41, 42, "Other")]
ALONE = [(42, 43, "Finding")]
PLACES = [*LAYERS, *CROSSING, *IN_ONE_PLACE, *BROKEN, *BESIDE, *ALONE]
RELATIONS = [
    (LAYERS[0], "side", LAYERS[1]),
    (LAYERS[2], "position", LAYERS[3]),
    (LAYERS[4], "after", LAYERS[3]),
    (CROSSING[1], "at", CROSSING[0]),
    (IN_ONE_PLACE[0], "same", IN_ONE_PLACE[1]),
    (BROKEN[0], "position", BROKEN[1]),
    (ALONE[0], "like", LAYERS[2]),
]


def make_overlapping(places: list[tuple[int, int, str]] = PLACES) -> Doc:
    doc = Doc(VOCAB, words=[*CHARACTERS], spaces=[False] * len(CHARACTERS))
    doc.spans["sc"] = [Span(doc, *place) for place in places]
    doc._.relations = [
        Relation(Span(doc, *head), Span(doc, *tail), label, 0.5) for head, label, tail in RELATIONS
    ]
    return doc


def show_overlapping(page: Page, path: Path) -> None:
    show(page, path, [view_doc(make_overlapping(), spans_key="sc")])


def is_apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes share no more than their borders."""
    apart_x = (
        one["x"] + one["width"] <= other["x"] + 1 or other["x"] + other["width"] <= one["x"] + 1
    )
    apart_y = (
        one["y"] + one["height"] <= other["y"] + 1 or other["y"] + other["height"] <= one["y"] + 1
    )
    return apart_x or apart_y


# The box of the text of each entity on its first line, and of the line under it.
FIRST_LINES = """() => [...document.querySelectorAll("mark[id]")].map((mark) => {
  const box = mark.getClientRects()[0];
  const { paddingBottom, borderBottomWidth } = getComputedStyle(mark);
  const border = parseFloat(borderBottomWidth);
  const bottom = box.bottom - parseFloat(paddingBottom) - border;
  const { top, left } = mark.querySelector(":scope > small").getBoundingClientRect();
  const place = [mark.dataset.start, mark.dataset.end].map(Number);
  const text = { x: box.left, y: box.top, width: box.width, height: bottom - box.top };
  const isStacked = mark.closest(".stack") !== null;
  return { place, text, line: box.bottom, label: { top, left }, isStacked };
})"""


def test_labels_of_entities_that_overlap_cover_nothing(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    labels = boxes(page, ".stack small")
    assert len(labels) == len(PLACES) - 1
    for i, label in enumerate(labels):
        assert all(is_apart(label, other) for other in labels[:i])
        assert label["x"] >= 0 and label["x"] + label["width"] <= page.evaluate("innerWidth")
        for entity in page.evaluate(FIRST_LINES):
            assert is_apart(label, entity["text"])
        for other in [*boxes(page, ".entities > mark"), *boxes(page, "svg text")]:
            assert is_apart(label, other)


def test_entities_lie_under_those_inside_of_them(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    entities = [each for each in page.evaluate(FIRST_LINES) if each["isStacked"]]
    for each in entities:
        assert each["label"]["top"] == pytest.approx(each["line"], abs=1)
        assert each["label"]["left"] == pytest.approx(each["text"]["x"], abs=1)
        for other in entities:
            (start, end), (left, right) = each["place"], other["place"]
            if start <= left and right <= end and (start, end) != (left, right):
                assert each["line"] - each["text"]["y"] > other["line"] - other["text"]["y"] + 10


def shape(page: Page, selector: str) -> dict[str, float]:
    """The box of the first such shape of the drawing, without the width of its stroke."""
    box: dict[str, float] = page.locator(selector).first.evaluate(
        """(shape) => {
          const { x, y, width, height } = shape.getBBox();
          return { left: x, right: x + width, top: y, bottom: y + height };
        }"""
    )
    return box


def find_id(page: Page, place: tuple[int, int, str]) -> str:
    start, end, label = place
    selector = f"mark[data-start='{start}'][data-end='{end}'][data-label='{label}']"
    return page.locator(selector).get_attribute("id") or ""


def test_arcs_end_at_the_entity_that_they_belong_to(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    for head, label, tail in RELATIONS:
        head_id, tail_id = find_id(page, head), find_id(page, tail)
        arc = f".arc[data-head='{head_id}'][data-tail='{tail_id}']"
        assert {*page.locator(f"{arc} text").all_text_contents()} == {f"{label} 0.50"}
        tip, hat = shape(page, f"{arc} .tip"), shape(page, f".hat[data-of='{tail_id}'] path")
        assert tip["bottom"] == pytest.approx(hat["top"], abs=0.1)
        assert hat["left"] <= (tip["left"] + tip["right"]) / 2 <= hat["right"]
        if head not in ALONE:
            dot, hat = shape(page, f"{arc} circle"), shape(page, f".hat[data-of='{head_id}'] path")
            assert (dot["top"] + dot["bottom"]) / 2 == pytest.approx(hat["top"], abs=0.1)
            assert hat["left"] <= (dot["left"] + dot["right"]) / 2 <= hat["right"]


def test_ends_of_arcs_in_a_stack_are_apart(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    hats = [shape(page, f".hat[data-of='{find_id(page, place)}'] path") for place in IN_ONE_PLACE]
    assert abs(hats[0]["top"] - hats[1]["top"]) >= 5
    arc = f".arc[data-head='{find_id(page, IN_ONE_PLACE[0])}']"
    tip, dot = shape(page, f"{arc} .tip"), shape(page, f"{arc} circle")
    assert dot["right"] < tip["left"] or tip["right"] < dot["left"]


def test_an_entity_that_overlaps_is_named_in_focus(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    crossing = page.locator("mark[data-start='15'][data-end='19']")
    crossing.focus()
    assert page.locator("mark.lit").count() == 2
    assert crossing.get_attribute("title") == "纹理增多: Finding"
    assert page.locator("svg.dim .arc.lit").get_attribute("data-head") == crossing.get_attribute(
        "id"
    )
    # Its other part belongs to it too.
    page.locator("mark[data-of]").hover(position={"x": 3, "y": 5})
    assert page.locator("mark.lit").count() == 2
    assert page.locator(".hat.lit").count() == 2


def test_filters_leave_the_other_entities_of_a_stack(page: Page, tmp_path: Path) -> None:
    show_overlapping(page, tmp_path / "page.html")
    uncheck(page, "Body")
    labels = page.locator(".stack small").filter(visible=True).all_text_contents()
    left = [label for *_, label in PLACES[: -len(ALONE)] if label != "Body"]
    assert sorted(labels) == sorted(f"{label}found" for label in left)
    assert (
        page.locator("mark.off").first.evaluate("mark => getComputedStyle(mark).paddingBottom")
        == "0px"
    )


def test_compared_entities_may_overlap(page: Page, tmp_path: Path) -> None:
    found, gold = make_overlapping(PLACES[:-2]), make_overlapping(PLACES[1:])
    show(page, tmp_path / "page.html", [compare_docs(found, gold, spans_key="sc")])
    kinds = page.locator("mark[id]").evaluate_all("marks => marks.map((mark) => mark.className)")
    assert Counter(kinds) == {
        "entity correct": len(PLACES) - 3,
        "entity wrong": 1,
        "entity missed": 2,
    }
    labels = boxes(page, ".stack small")
    assert all(is_apart(one, other) for one, other in combinations(labels, 2))


def test_all_docs_are_drawn_for_print_at_the_width_of_paper(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path / "page.html", [view_doc(make_overlapping(), spans_key="sc")] * 50)
    assert page.locator("article[data-drawn]").count() < 50
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article[data-drawn]").count() == 50
    width = page.evaluate("document.querySelector('main').clientWidth")
    assert width == pytest.approx(17 / 2.54 * 96, abs=1)
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.body.className") == ""


# Attributes

# Long enough for labels of several lines on a narrow page.
VALUES = {
    LAYERS[4]: {"Assertion": "possible", "Experiencer": "family", "Time": "in the past"},
    CROSSING[1]: {"Assertion": "negated", "Experiencer": "family"},
    ALONE[0]: {"Assertion": "negated", "Experiencer": "family", "Time": "in the past"},
}


def with_values(values: dict[tuple[int, int, str], dict[str, str]]) -> Doc:
    doc = make_overlapping()
    for place, own in values.items():
        Span(doc, *place)._.attributes = own
    return doc


def test_attributes_of_entities_that_overlap_cover_nothing(page: Page, tmp_path: Path) -> None:
    gold = with_values({**VALUES, CROSSING[1]: {"Assertion": "possible"}})
    view = compare_docs(with_values(VALUES), gold, spans_key="sc")
    show(page, tmp_path / "page.html", [view])
    labels = boxes(page, ".stack small")
    width = page.evaluate("innerWidth")
    assert any(label["height"] > 20 for label in labels) == (width < 1000)
    for i, label in enumerate(labels):
        assert all(is_apart(label, other) for other in labels[:i])
        for entity in page.evaluate(FIRST_LINES):
            assert is_apart(label, entity["text"])
        for other in [*boxes(page, ".entities > mark"), *boxes(page, "svg text")]:
            assert is_apart(label, other)
    # Each is whole, inside of its label, or of the box of an entity that is alone.
    badges = page.locator(".attribute").all()
    assert len(badges) == 9
    for badge in badges:
        holder = badge.locator("xpath=ancestor::*[self::small or self::mark]")
        is_alone = badge.evaluate("badge => badge.closest('.stack') === null")
        inner, outer = badge.bounding_box(), holder.nth(-2 if is_alone else -1).bounding_box()
        assert inner is not None and outer is not None
        assert outer["x"] <= inner["x"] and 0 < inner["height"] < 20
        assert inner["x"] + inner["width"] <= min(width, outer["x"] + outer["width"])
        assert outer["y"] <= inner["y"] + 1
        assert inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1


def test_arcs_have_room_above_an_entity_of_several_lines(page: Page, tmp_path: Path) -> None:
    doc = make_doc([ADA, ACME, ROME], [(ROME, "in", ACME)])
    doc.ents[1]._.attributes = {"Assertion": "negated", "Experiencer": "family", "Time": "past"}
    show(page, tmp_path / "page.html", [view_doc(doc)])
    for label in boxes(page, "svg text"):
        assert all(is_apart(label, mark) for mark in boxes(page, "mark"))


def test_the_filter_of_kinds_knows_attributes(page: Page, tmp_path: Path) -> None:
    gold, found = make_doc([ADA, ACME, ROME]), make_doc([ADA, ACME, ROME])
    for entity in gold.ents:
        entity._.attributes = {"Assertion": "negated"}
    for entity, value in zip(found.ents, ("negated", "possible", "negated"), strict=True):
        entity._.attributes = {"Assertion": value}
    show(page, tmp_path / "page.html", [compare_docs(found, gold)])
    uncheck(page, "correct")
    assert page.locator("mark:not(.off)").all_text_contents() == [
        "AcmeORGcorrect Assertion=possible 1.00 wrong Assertion=negated missed"
    ]
