"""The page in a browser: it shows what the files say, as text, on any screen, by the keyboard alone."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from harness.live.server import LiveServer
from tests.live.growing import Growing, served
from tests.live.test_live_campaign import reported, two_meters
from tests.reports.make_campaign import LOADS, Shape, make_campaign

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{7*7}}'
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 700},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


@contextmanager
def opened(browser: Browser, server: LiveServer, **how: Any) -> Iterator[Page]:  # noqa: ANN401  playwright's options
    """The page, with its first frame drawn; whatever goes wrong in it, and whatever it asks of others, is an error."""
    wrong: list[str] = []
    context = browser.new_context(**how)
    page = context.new_page()
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(server.guard.url) else wrong.append(request.url))
    page.goto(server.guard.url)
    page.wait_for_selector("#cards .card")
    yield page
    context.close()
    assert wrong == []


def seen(page: Page, selector: str) -> str:
    return " ".join(page.inner_text(selector).split())


def until(page: Page, selector: str, text: str) -> None:
    """Wait for a text. Playwright's own way is to evaluate a string in the page, which its policy forbids."""
    end_s = time.monotonic() + 20
    while text not in seen(page, selector):
        assert time.monotonic() < end_s, f"{text!r} never came; {selector} says {seen(page, selector)!r}"
        time.sleep(0.05)


def growing_to(whole: Path, path: Path, share: float) -> Growing:
    growing = Growing(whole, path)
    growing.log_until(growing.folders[1], '"run-start"')
    growing.run(growing.folders[1], share)
    return growing


def test_the_numbers_of_the_page_are_those_of_the_raw_file_as_it_grows(
    whole: Path, tmp_path: Path, browser: Browser
) -> None:
    growing = growing_to(whole, tmp_path / "g", 0.6)
    folder = growing.folders[1]
    with served(growing.path) as server, opened(browser, server) as page:
        for share in (0.6, 0.8, 1.0):
            growing.run(folder, share)
            content = (growing.path / folder / "readings-wall.csv").read_bytes()
            rows = [line.split(b",") for line in content[: content.rfind(b"\n")].splitlines()[1:]]
            powers = [float(row[1]) for row in rows]
            until(page, "#cards .card", f"{len(rows)} readings")
            assert f"{powers[-1]:.1f} W" in seen(page, "#cards .card")
            until(page, "#whole-says", f"from {min(powers):.2f} W to {max(powers):.2f} W")
        run = reported(whole)[folder]
        assert run.energy_wh is not None
        assert run.mean_power_w is not None
        until(page, "#cards", f"{run.energy_wh.value * 1000:.4g} mWh")
        until(page, "#cards", f"{run.mean_power_w.value:.2f} W")
        epoch = next(action for action in run.actions if (action.name, action.index) == ("epoch", 2))
        assert epoch.energy_wh is not None
        until(page, "#actions", f"{epoch.energy_wh * 1000:.4g} mWh")
        assert "EMULATED" in seen(page, "#mark")
        assert "running" in seen(page, "#plan tr.running")
        points = page.evaluate("[plots.now.plot.data[0].length, plots.now.plot.bbox.width / devicePixelRatio]")
        assert 0 < points[0] <= 2 * points[1]


def test_what_the_sut_says_of_itself_is_drawn_as_it_grows(whole: Path, tmp_path: Path, browser: Browser) -> None:
    growing = growing_to(whole, tmp_path / "g", 0.6)
    folder = growing.folders[1]
    with served(growing.path) as server, opened(browser, server) as page:
        until(page, "#chart-says", "cpu_percent from 0.")
        page.select_option("#charts", label="GPU power, W")
        for share in (0.6, 0.8, 1.0):
            growing.run(folder, share)
            content = (growing.path / folder / "samples-agent.csv").read_bytes()
            rows = [line.decode().split(",") for line in content[: content.rfind(b"\n")].splitlines()]
            place = rows[0].index("gpu0_power_w")
            values = [float(row[place]) for row in rows[1:-1]]  # the last may be newer than the last reading
            until(page, "#chart-says", f"gpu0_power_w from {min(values):.4g} W to {max(values):.4g} W")
        assert "no meter measured it" in seen(page, "#chart-says")
        assert seen(page, "#chart-key") == "gpu0_power_w"


def test_earlier_runs_can_be_looked_back_at(whole: Path, tmp_path: Path, browser: Browser) -> None:
    growing = Growing(whole, tmp_path / "g")
    first, second, third = growing.folders
    growing.log_until(third, '"run-start"')
    for folder, share in ((first, 1.0), (second, 1.0), (third, 0.5)):
        growing.run(folder, share)
    with served(growing.path) as server, opened(browser, server) as page:
        until(page, "#about", "Run 3, baseline")
        options = [" ".join(text.split()) for text in page.locator("#back option").all_inner_texts()]
        assert options == [
            "the one that was begun last", "run 2, cnn, repetition 0: ended", "run 1, baseline, repetition 0: ended"
        ]  # fmt: skip
        page.locator("#back").focus()
        page.keyboard.press("ArrowDown")
        until(page, "#about", "You look back at a run that was measured before. Run 2, cnn")
        run = reported(whole)[second]
        assert run.energy_wh is not None
        until(page, "#cards", f"{run.energy_wh.value * 1000:.4g} mWh")
        until(page, "#cards", "wall, last")
        until(page, "#actions", "epoch 2")
        rows = (whole / second / "readings-wall.csv").read_bytes().splitlines()[1:]
        powers = [float(row.split(b",")[1]) for row in rows]
        until(page, "#whole-says", f"from {min(powers):.2f} W to {max(powers):.2f} W")
        assert not page.locator("#now").is_visible()
        page.select_option("#back", "0")
        until(page, "#about", "Run 3, baseline")
        page.wait_for_selector("#now canvas")


def test_no_label_of_power_is_cut_and_a_long_choice_makes_no_page_wider(whole: Path, browser: Browser) -> None:
    with served(whole) as server, opened(browser, server, **PHONE) as page:
        page.wait_for_selector("#chart canvas")
        page.evaluate("charts.options[0].textContent = 'a quantity of the SUT with a long name, '.repeat(4)")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
        for label in ("103.25 W", "123456.789 degC"):
            room = page.evaluate(
                f"(({{ctx, axes}}) => [roomFor({{ctx, axes}}, [{label!r}], 1, 1) - axes[1].ticks.size - axes[1].gap,"
                f" ctx.measureText({label!r}).width / devicePixelRatio])(plots.now.plot)"
            )
            assert room[0] >= room[1] > 0
        assert page.evaluate("plots.now.plot.axes[1]._size") >= 64


def test_numbers_say_of_which_part_they_are(whole: Path, browser: Browser) -> None:
    going, ended = {"name": "rating", "begin_s": 1, "end_s": None}, {"name": "rating", "begin_s": 1, "end_s": 9}
    part, all_of_it = {"begin_s": 1, "end_s": None}, {"begin_s": 1, "end_s": 9}
    said: tuple[tuple[list[Any], Any, str | None, str], ...] = (
        ([], None, None, "nothing is rated yet"),
        ([going], None, None, "being computed"),
        ([ended], None, "ended", "being computed"),
        ([going], part, None, "so far, until 0:08"),
        ([ended], part, None, "of the part until 0:08; the rest is being computed"),
        ([ended], part, "ended", "of the part until 0:08; the rest is being computed"),
        ([ended], all_of_it, "ended", "of the rating interval"),
    )
    with served(whole) as server, opened(browser, server) as page:
        for phases, rating, how, words in said:
            run = {"phases": phases, "rating": rating, "ended": how, "computed_until_s": 8.0, "problem": None}
            assert page.evaluate("run => computedOf(run)", run) == words


def test_no_axis_of_time_says_a_label_twice(whole: Path, browser: Browser) -> None:
    with served(whole) as server, opened(browser, server) as page:
        for step, first in ((0.25, "0:00.00"), (0.5, "0:00.0"), (1, "0:00"), (60, "0:00")):
            said = page.evaluate(f"clocks([0, 1, 2, 3, 4].map(place => place * {step}))")
            assert said[0] == first
            assert len(set(said)) == 5
        assert page.evaluate("clocks([59.5, 60, 60.5])") == ["0:59.5", "1:00.0", "1:00.5"]


def test_when_the_view_ends_the_page_says_so_and_stays_readable(whole: Path, browser: Browser) -> None:
    with served(whole) as server:
        opening = opened(browser, server)
        page = opening.__enter__()
    until(page, "#link", "The live view has ended")
    assert "W" in seen(page, "#cards")
    assert "baseline" in seen(page, "#plan")
    time.sleep(0.5)  # nothing asks again, which would be an error of the page
    opening.__exit__(None, None, None)


def test_every_name_is_text(tmp_path: Path, browser: Browser) -> None:
    shape = Shape(name="hostile", repetitions=1, baseline_blocks=0, loads={HOSTILE.replace("/", ""): LOADS["cnn"]},
                  duration_s=10, lab=HOSTILE, reason=HOSTILE, broken={1: "abort"})  # fmt: skip
    campaign = make_campaign(tmp_path, shape)
    with served(campaign) as server, opened(browser, server) as page:
        until(page, "#plan", "{{7*7}}")
        assert "<img src=x" in seen(page, "#plan")
        assert "<img src=x" in seen(page, "#about")
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 3


HOSTILE_SCRIPT = """() => {
    window.blocked = [];
    document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
    const script = document.createElement("script"), style = document.createElement("style");
    script.textContent = "window.hacked = 1";
    style.textContent = "body { display: none }";
    const image = document.createElement("img");
    image.src = "https://other.invalid/x.png";
    document.body.append(script, style, image);
    fetch("https://other.invalid/").catch(() => 0);
}"""


def test_the_policy_forbids_what_is_not_ours(whole: Path, browser: Browser) -> None:
    with served(whole) as server, browser.new_page() as page:
        page.goto(server.guard.url)
        page.evaluate(HOSTILE_SCRIPT)
        end_s = time.monotonic() + 10
        while len(page.evaluate("blocked")) < 4:
            assert time.monotonic() < end_s
            time.sleep(0.05)
        assert set(page.evaluate("blocked")) == {"script-src-elem", "style-src-elem", "img-src", "connect-src"}
        assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("how", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
@pytest.mark.parametrize("picture", ["#now", "#chart"])
def test_it_can_be_used_by_everybody(
    whole: Path, tmp_path: Path, browser: Browser, how: dict[str, Any], picture: str
) -> None:
    campaign = whole if picture == "#chart" else two_meters(tmp_path / "two").path
    with served(campaign) as server, opened(browser, server, **how) as page:
        page.wait_for_selector(f"{picture} canvas")
        violations = Axe().run(page).response["violations"]
        assert [(one["id"], one["impact"]) for one in violations if one["impact"] in ("serious", "critical")] == []
        width = page.evaluate("[document.documentElement.scrollWidth, screen.width]")  # innerWidth grows with the page
        assert width[0] <= width[1]
        dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (dark == "rgb(21, 24, 28)") == (how.get("color_scheme") == "dark")


def test_the_keyboard_is_enough(tmp_path: Path, browser: Browser) -> None:
    two_meters(tmp_path / "two")
    with served(tmp_path / "two") as server, opened(browser, server) as page:
        page.wait_for_selector("#meters-boxes input")
        reached: list[str] = []
        for _ in range(20):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.type || "
                "document.activeElement.className"
            ))  # fmt: skip
            match reached[-1]:
                case "length" if reached.count("length") == 1:
                    page.keyboard.press("ArrowRight")
                case "checkbox" if "second" not in reached:
                    page.keyboard.press("Space")
                    reached.append("second")
                case "pause" if reached.count("pause") == 1:
                    page.keyboard.press("Enter")
        assert {"skip", "length", "checkbox", "pause"} <= set(reached)
        assert sum(name.startswith("scroll") for name in reached) >= 4
        assert page.evaluate("document.querySelector('input[name=length]:checked').value") == "600"
        assert page.evaluate("document.getElementById('pause').getAttribute('aria-pressed')") == "true"
        assert page.evaluate("[...hidden]") == ["one"]
        assert not re.search(r"\bone from", seen(page, "#whole-says"))


def test_of_several_meters_each_stands_on_the_page_and_their_sum(tmp_path: Path, browser: Browser) -> None:
    two_meters(tmp_path / "two")
    with served(tmp_path / "two") as server, opened(browser, server) as page:
        until(page, "#cards", "sum, now")
        cards = seen(page, "#cards")
        assert "one, now 11.0 W 40 readings" in cards
        assert "two, now 6.0 W 40 readings" in cards
        assert "sum, now 17.0 W 2 meters of the SUT" in cards
        assert seen(page, "#key").startswith("one two sum")
        assert seen(page, "#meters").count("EMULATED") == 1
