"""A report in Chromium as its reader has it: with its script, by keyboard, on a phone, in print, without the script."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from reports.pages.campaign import campaign_page
from reports.pages.comparison.page import comparison_page
from reports.render import render
from tests.campaign_results import read
from tests.documents import write_report
from tests.reports.comparisons import comparison
from tests.reports.example_results import results, with_statistics
from tests.reports.make_campaign import EXAMPLE, make_campaign
from tests.reports.test_campaign_page import COMMAND, HOSTILE, hostile, traces

WIDTHS = (1400, 920, 390)
OPEN_ALL = "for (const part of document.querySelectorAll('details')) part.open = true"
CUT = """[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => (box.getAttribute('aria-label') || box.getAttribute('aria-labelledby')))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_campaign(tmp_path_factory.mktemp("made"), EXAMPLE))


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    yield from opened(browser, report.as_uri())


def opened(
    browser: Browser, address: str, *, scheme: Literal["light", "dark"] = "light", scripts: bool = True
) -> Iterator[Page]:
    """The page; whatever its console or its script complains of is an error of the test."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(address)
    yield shown
    context.close()
    assert complaints == []


def serious_faults(page: Page) -> list[tuple[str, str]]:
    """By the accessibility rules of axe: rule and element."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in ("serious", "critical")]


def column(page: Page, table: str, place: int) -> list[str]:
    """The texts of a column in the rows that show."""
    found: list[str] = page.eval_on_selector(
        f"table[aria-labelledby='{table}'], table:has(> caption#{table})",
        "(table, place) => [...table.tBodies[0].rows].filter(row => row.offsetParent).map(row => "
        "row.cells[place].textContent)", place,
    )  # fmt: skip
    return found


def test_the_first_screen_answers(page: Page) -> None:
    top = page.evaluate("document.querySelector('.card .value').getBoundingClientRect().bottom")
    assert top < 900
    heads = page.eval_on_selector_all("h2", "heads => heads.map(head => head.id)")
    assert heads[:3] == ["findings", "results", "runs"]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_table_and_no_figure_is_cut(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(OPEN_ALL)
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_on_a_head_sorts_and_the_third_gives_the_order_back(page: Page) -> None:
    before = column(page, "runs-table", 4)
    head = page.locator("#runs-table ~ thead button", has_text="Energy\u00a0/\u00a0Wh")
    orders = []
    for _ in range(3):
        head.click()
        orders.append(column(page, "runs-table", 4))
    numbers = [float(text.strip("()").split(" ")[0]) for text in orders[0]]
    assert numbers == sorted(numbers)
    assert orders[1] == orders[0][::-1]
    assert orders[2] == before


def test_rows_are_filtered_and_counted(page: Page) -> None:
    page.get_by_role("searchbox", name="Filter All runs, in the order they were begun").fill("cnn yes")
    assert set(column(page, "runs-table", 1)) == {"cnn"}
    assert page.locator("output", has_text="3 of 11 rows").is_visible()


def test_every_table_is_saved_with_u_in_a_column_of_its_own(page: Page) -> None:
    page.evaluate(OPEN_ALL)
    tables, buttons = page.locator(".scroll > table"), page.get_by_role("button", name=re.compile("^Save .* as CSV$"))
    assert buttons.count() == tables.count() > 20
    with page.expect_download() as download:
        page.get_by_role("button", name="Save All runs, in the order they were begun as CSV").click()
    assert download.value.suggested_filename == "runs-table.csv"
    head, *rows = csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig")))
    at = head.index("Energy / Wh")
    assert head[at + 1] == "U of Energy / Wh"
    assert len(rows) == 11
    assert (head[-1], {row[-1] for row in rows}) == ("Origin", {"EMULATED"})
    assert {len(row) for row in rows} == {len(head)}
    assert all(0.3 < float(row[at]) < 0.8 and float(row[at + 1]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [["Blocks", "5"], ["Mean power", "(85.1 ± 8.5)\u202fW (95 %, n\u00a0=\u00a05)"],
             ["Drift", "\u22121.9\u202fW"], ["Start", "2026-11-21 08:00"], ["Energy", "12\u202f350\u202fWh"],
             ["Factor", "0.66\u202f1/Wh"]],
            [["item", "value", "U", "unit", "basis"], ["Blocks", "5", "", "", ""],
             ["Mean power", "85.1", "8.5", "W", "95 %, n = 5"], ["Drift", "-1.9", "", "W", ""],
             ["Start", "2026-11-21 08:00", "", "", ""], ["Energy", "12350", "", "Wh", ""],
             ["Factor", "0.66", "", "1/Wh", ""]],
        ),
        (
            [["", "Tail*", "z*", "Remark"], ["cnn", "(2.78 ± 0.20)\u202fs", "\u2013", "\u2013"],
             ["idle", "(1.1)", "0.5", "out (1)"]],
            [["row", "Tail", "U of Tail", "unit of Tail", "z", "Remark"], ["cnn", "2.78", "0.20", "s", "", "\u2013"],
             ["idle", "1.1", "", "", "0.5", "out (1)"]],
        ),
    ],
    ids=["facts", "columns"],
)  # fmt: skip
def test_numbers_of_a_saved_table_stand_alone(
    browser: Browser, report: Path, rows: list[list[str]], expected: list[list[str]]
) -> None:
    text = report.read_text(encoding="utf-8")
    begin = text.index("<main")
    head, body = "", rows
    if expected[0][0] == "row":
        cells = "".join(
            f'<th scope="col" class="{"num" if "*" in cell else ""}">{cell.strip("*")}</th>' for cell in rows[0]
        )
        head, body = f"<thead><tr>{cells}</tr></thead>", rows[1:]
    lines = "".join(f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in body)
    table = f'<div class="scroll"><table><caption>Made</caption>{head}<tbody>{lines}</tbody></table></div>'
    at = text.index(">", begin) + 1
    made = report.with_name("made.html")
    made.write_text(text[:at] + table + text[at:], encoding="utf-8")
    with browser.new_page() as page:
        page.goto(made.as_uri())
        with page.expect_download() as download:
            page.get_by_role("button", name="Save Made as CSV").click()
        saved = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert saved == [[*line, "EMULATED" if place else "Origin"] for place, line in enumerate(expected)]


def test_a_run_is_looked_at_alone_with_its_actions_and_its_baseline(page: Page) -> None:
    page.locator("table[data-runs]").get_by_role("link", name="5", exact=True).click()
    explorer = page.locator("#explorer")
    page.wait_for_function("document.activeElement.textContent === 'Run 5, cnn'")
    drawn = explorer.locator("svg").text_content() or ""
    assert "baseline 41" in drawn
    assert {"training", "epoch 0", "EMULATED"} <= set(re.findall(r"training|epoch 0|EMULATED", drawn))
    assert "-r05-" in (explorer.locator("dl").text_content() or "")
    assert "Actions of run 5" in (explorer.text_content() or "")


def test_power_is_read_off_and_zoomed_by_mouse(page: Page) -> None:
    chart = page.locator("#explorer svg")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    y = box["y"] + 60
    page.mouse.move(box["x"] + box["width"] / 2, y)
    said = page.locator("#explorer .says").text_content() or ""
    run, watts, second = re.match(r"run (\d+): ([\d.]+) W at ([\d.]+) s", said).groups()  # type: ignore[union-attr]
    assert run == "2"
    assert 80 < float(watts) < 100
    assert 10 < float(second) < 20
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y)
    page.mouse.up()
    ends = page.evaluate(
        "[...document.querySelectorAll('#explorer svg text')].map(text => text.textContent).filter(text => "
        "/^[\\d.]+$/.test(text)).map(Number)"
    )
    assert min(value for value in ends if value < 30) > 10
    chart.dblclick()
    assert "0" in page.evaluate("[...document.querySelectorAll('#explorer svg text')].map(text => text.textContent)")


def test_no_axis_says_a_number_twice(page: Page) -> None:
    explorer = page.locator("#explorer")
    for _ in range(page.locator("table[data-runs] tbody tr").count()):
        for _ in range(4):
            for anchor in ("end", "middle"):
                said: list[str] = page.evaluate(
                    "anchor => [...document.querySelectorAll(`#explorer svg text[text-anchor=${anchor}]`)]"
                    ".map(text => text.textContent).filter(text => /^[\\u2212\\d.]+$/.test(text))", anchor,
                )  # fmt: skip
                assert len(said) > 1
                assert len(said) == len(set(said))
            explorer.get_by_role("button", name="Zoom in").click()
        explorer.get_by_role("button", name="Next run").click()


def test_several_runs_are_chosen(page: Page) -> None:
    page.get_by_text("Choose runs").click()
    page.get_by_role("button", name="All runs of idle").click()
    assert page.locator("#explorer h3").inner_text() == "3 runs: 3, 7, 10"
    page.get_by_role("checkbox", name="2 cnn").check()
    assert page.locator("#explorer h3").inner_text() == "4 runs: 2, 3, 7, 10"


def test_points_of_figures_say_what_they_are(page: Page) -> None:
    figure = page.locator("#fig-induced svg")
    figure.scroll_into_view_if_needed()
    place = figure.evaluate(
        "svg => { const [x, y] = JSON.parse(svg.dataset.tips)[0], box = svg.getBoundingClientRect(), "
        "scale = box.width / svg.viewBox.baseVal.width; return [box.left + x * scale, box.top + y * scale]; }"
    )
    page.mouse.move(*place)
    assert re.fullmatch(r"run 2: \(0\.369 ± 0\.012\)\s?Wh", page.locator(".tip").inner_text())


def test_all_of_it_works_by_keyboard(page: Page) -> None:
    page.locator("table[data-runs] thead button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert column(page, "runs-table", 0)[0] == "11"
    page.locator("#explorer svg").focus()
    for key in ("ArrowRight", "ArrowRight", "+", "PageDown"):
        page.keyboard.press(key)
    assert "run 2: " in (page.locator("#explorer .says").text_content() or "")
    page.keyboard.press("0")
    page.locator("details.closed > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#fig-setup").is_visible()


def test_an_address_with_a_run_opens_it(browser: Browser, report: Path) -> None:
    for shown in opened(browser, f"{report.as_uri()}#run-9"):
        shown.wait_for_function("document.activeElement.textContent === 'Run 9, cnn'")
        place = shown.evaluate("document.querySelector('#explorer').getBoundingClientRect().top")
        assert 0 <= place < 200


def test_a_link_into_a_closed_part_opens_it(page: Page) -> None:
    page.locator("nav a", has_text="Evidence").click()
    page.get_by_text("Recompute this page").wait_for(timeout=10_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(browser: Browser, report: Path, scheme: Literal["light", "dark"]) -> None:
    for shown in opened(browser, report.as_uri(), scheme=scheme):
        shown.evaluate(OPEN_ALL)
        assert serious_faults(shown) == []


def test_in_print_everything_is_open_and_nothing_can_be_pressed(page: Page) -> None:
    page.get_by_role("searchbox", name="Filter All runs, in the order they were begun").fill("cnn")
    page.emulate_media(media="print")
    assert not page.locator("#explorer").is_visible()
    assert not page.locator("button:visible:not(.sort)").count()
    assert len(column(page, "runs-table", 1)) == 11
    assert page.get_by_text("Recompute this page").is_visible()


def test_without_script_the_page_is_complete(browser: Browser, report: Path) -> None:
    for shown in opened(browser, report.as_uri(), scripts=False):
        assert shown.locator("button").count() == 0
        assert shown.locator("#explorer").count() == 0
        text = shown.locator("body").text_content() or ""
        assert "All runs, in the order they were begun" in text
        shown.locator("details.closed > summary", has_text="Evidence").click()
        assert shown.get_by_text("Recompute this page").is_visible()


def hostile_page() -> str:
    tree = results()
    tree["scenarios"] = {HOSTILE + name: part for name, part in tree["scenarios"].items()}
    for run in tree["runs"]:
        if run["scenario"] != "baseline":
            run["scenario"] = HOSTILE + run["scenario"]
        run["actions"] = [{**action, "name": HOSTILE} for action in run["actions"]]
    return render(campaign_page(hostile(read(with_statistics(tree))), traces(HOSTILE), "", COMMAND))


def test_no_text_of_a_campaign_runs_as_a_script(browser: Browser, tmp_path: Path) -> None:
    """The cases of the pages' injection test, with scripts on and everything pressed: no text but the page's acts."""
    target = tmp_path / "report.html"
    target.write_text(hostile_page())
    dialogs: list[str] = []
    for shown in opened(browser, target.as_uri()):
        shown.on("dialog", lambda dialog: dialogs.append(dialog.message))
        shown.evaluate(OPEN_ALL)
        shown.evaluate("for (const button of document.querySelectorAll('button.sort')) button.click()")
        shown.evaluate("for (const input of document.querySelectorAll('#explorer input')) input.click()")
        with shown.expect_download() as download:
            shown.get_by_role("button", name="Save Result per scenario and run as CSV").click()
        assert "alert(1)" in Path(download.value.path()).read_text("utf-8-sig")
        assert HOSTILE.split("\x01")[0].strip() in (shown.locator("body").text_content() or "")
        assert dialogs == []
        assert shown.locator("script").count() == 2


def test_a_script_that_is_put_into_the_page_does_not_run(browser: Browser, report: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    forged = "<script>document.title = 'forged'</script><p onclick=\"document.title = 'forged'\" id=bait>x</p>"
    target.write_text(report.read_text().replace("<main>", f"<main>{forged}"))
    context = browser.new_context()
    shown = context.new_page()
    shown.goto(target.as_uri())
    shown.locator("#bait").click()
    assert shown.title() != "forged"
    context.close()


FORMULAS = {
    '=1+1,"': '"\'=1+1,"""', "-2+3": "'-2+3", "−.1+2": "'-.1+2", "-1;=2": '"\'-1;\'=2"', "+1+2": "'+1+2", "@a": "'@a",
    "＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a", 'a;"=2': '"a;\'""=2"', "a;b": '"a;b"',
    "1 ± 2": "1 ± 2", "−2.5": "-2.5", "+1e-3": "+1e-3", "-1e5": "-1e5", "mnist-1": "mnist-1",
}  # fmt: skip
"""A name in a cell -> the cell of the saved file."""


def test_cells_that_a_spreadsheet_would_run_are_text(browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    rows = "".join(f"<tr><th>{html.escape(name)}</th><td class=num>1.0 ± 0.2</td></tr>" for name in FORMULAS)
    head = "<thead><tr><th>Action</th><th class=num>Energy / J</th></tr></thead>"
    banner = "<div class=banner><strong>EMULATED</strong></div>"
    table = f"{banner}<div class=scroll><table>{head}<tbody>{rows}</tbody></table></div>"
    shell = render(comparison_page(comparison()), "document.html.j2")
    target.write_text(re.sub(r"<main>.*</main>", f"<main>{table}</main>".replace("\\", r"\\"), shell, flags=re.S))
    for shown in opened(browser, target.as_uri()):
        with shown.expect_download() as download:
            shown.get_by_role("button", name="as CSV").click()
        first, *lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
        assert first == "Action,Energy / J,U of Energy / J,Origin"
        assert lines == [f"{cell},1.0,0.2,EMULATED" for cell in FORMULAS.values()]


def test_an_address_with_a_lone_percent_sign_is_no_trouble(browser: Browser, report: Path) -> None:
    for shown in opened(browser, f"{report.as_uri()}#%"):
        assert shown.get_by_role("button", name="as CSV").count() > 10
        assert shown.locator("#explorer svg path").count() > 3
        shown.evaluate("location.hash = '#%E0%A4%A'")


def test_a_comparison_is_sorted_and_saved_too(browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text(render(comparison_page(comparison()), "document.html.j2"))
    for shown in opened(browser, target.as_uri()):
        assert shown.get_by_role("button", name=re.compile("as CSV$")).count() > 3
        for width in WIDTHS:
            shown.set_viewport_size({"width": width, "height": 900})
            shown.evaluate(OPEN_ALL)
            assert shown.evaluate(CUT) == []
        assert serious_faults(shown) == []


def test_the_data_of_single_runs_is_that_of_the_results(report: Path) -> None:
    found = re.search(r'<script type="application/json" id="runs-data">(.*?)</script>', report.read_text())
    assert found is not None
    told = json.loads(found[1])
    written = {str(run["ordinal"]): run for run in json.loads(report.with_name("results.json").read_text())["runs"]}
    assert set(told["runs"]) == {number for number, run in written.items() if run["included"]}
    actions = written["5"]["actions"]
    assert len(told["runs"]["5"]["actions"]) == len(actions)
    energy = (written["5"]["energy_wh"]["value"] - written["5"]["induced_energy_wh"]["value"]) * 3600
    assert told["runs"]["5"]["baseline"] == pytest.approx(energy / written["5"]["duration_s"]["value"], abs=1e-4)
