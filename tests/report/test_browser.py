"""The page as a user meets it: in a browser, by what its pixels show."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from difface_cli.report import Facts, render
from tests.report.conftest import Show
from tests.report.pages import BLUE, GREEN, RED, comparison, facts, grid, page

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@pytest.fixture(autouse=True)
def quiet(complaints: list[str]) -> Iterator[None]:
    """No page asks for anything over the network or reports an error."""
    yield
    assert complaints == []


def pixels(shown: Page | Locator) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(Image.open(io.BytesIO(shown.screenshot())).convert("RGB")).astype(int)


def shares(shown: Locator, *colours: tuple[int, int, int]) -> list[float]:
    """How much of a row low in the picture has each colour: below labels and handle."""
    picture = pixels(shown)
    row = picture[int(0.9 * len(picture))]
    return [float((np.abs(row - c).max(axis=1) < 30).mean()) for c in colours]


def colour(shown: Locator) -> tuple[int, ...]:
    """The one in the middle."""
    picture = pixels(shown)
    return tuple(picture[len(picture) // 2, picture.shape[1] // 2])


def assert_split(view: Locator, before: float, after: tuple[int, int, int] = BLUE) -> None:
    assert shares(view, RED, after) == pytest.approx([before, 1 - before], abs=0.02)


def wait_until(page: Page, condition: str) -> None:
    """As `page.wait_for_function`, whose second look the page's security policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


class TestSlider:
    """Red before, blue after."""

    def test_mouse(self, show: Show) -> None:
        view = (shown := show(render(page(comparison())))).locator("main .view")
        assert_split(view, 0.5)
        box = view.bounding_box()
        assert box is not None
        shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
        shown.mouse.down()
        shown.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
        assert_split(view, 0.25)
        shown.mouse.move(box["x"] - 300, box["y"] + 60)
        assert_split(view, 0)
        shown.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60)
        shown.mouse.up()
        shown.mouse.move(box["x"] + 10, box["y"] + 60)
        assert_split(view, 0.75)

    def test_keyboard(self, show: Show) -> None:
        view = (shown := show(render(page(comparison())))).locator("main .view")
        slider = shown.get_by_role("slider")
        while not slider.evaluate("slider => slider === document.activeElement"):
            shown.keyboard.press("Tab")
        for _ in range(10):
            shown.keyboard.press("ArrowLeft")
        assert_split(view, 0.4)
        assert slider.get_attribute("aria-valuetext") == "40 % before"
        shown.keyboard.press("End")
        assert_split(view, 1)
        shown.keyboard.press("Home")
        assert_split(view, 0)

    def test_touch_goes_sideways_and_leaves_scrolling_alone(self, show: Show) -> None:
        settings = {"has_touch": True, "viewport": {"width": 390, "height": 700}}
        shown = show(render(page(comparison(), facts(), grid(), grid())), **settings)
        view = shown.locator("main .view")
        box = view.bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2
        y = box["y"] + 200
        swipe(shown, (middle, y), (box["x"] + box["width"] * 0.2, y))
        assert_split(view, 0.2)
        shown.touchscreen.tap(box["x"] + box["width"] * 0.8, y)
        assert_split(view, 0.8)
        chosen = shown.get_by_role("slider").input_value()
        swipe(shown, (middle, y), (middle, y - 150))
        wait_until(shown, "scrollY > 50")
        assert shown.get_by_role("slider").input_value() == chosen

    def test_another_picture_on_the_right(self, show: Show) -> None:
        shown = show(render(page(comparison())))
        shown.get_by_label("Estimate").check()
        view = shown.locator("main .view")
        assert_split(view, 0.5, GREEN)
        assert view.locator(".label.right").inner_text() == "Estimate"

    def test_without_scripts_both_halves_are_there(self, show: Show) -> None:
        assert_split(
            show(render(page(comparison())), java_script_enabled=False).locator("main .view"), 0.5
        )


def swipe(shown: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger, from start to end."""
    client = shown.context.new_cdp_session(shown)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", start)
    for k in range(1, 9):
        touch("touchMove", tuple(np.add(start, np.subtract(end, start) * k / 8)))
    touch("touchEnd")


class TestGrid:
    """Blue and green above, one black below; red in front."""

    @pytest.fixture
    def shown(self, show: Show) -> Page:
        return show(render(page(grid())))

    def test_a_click_enlarges_and_escape_closes(self, shown: Page) -> None:
        cell = shown.get_by_role("button", name="Enlarge: N 2")
        cell.click()
        large = shown.locator("dialog .view")
        assert colour(large) == pytest.approx(GREEN, abs=12)
        box, small = large.bounding_box(), cell.bounding_box()
        assert box is not None
        assert small is not None
        assert box["width"] > 2 * small["width"]
        assert shown.locator("dialog figcaption").inner_text() == "N 2"
        shown.keyboard.press("Escape")
        wait_until(shown, "document.activeElement.dataset.label === 'N 2'")
        assert not large.is_visible()

    def test_arrows_go_to_the_neighbours_and_stay_at_the_edge(self, shown: Page) -> None:
        shown.get_by_role("button", name="Enlarge: N 1").press("Enter")
        large = shown.locator("dialog .view")
        ways = (
            ("ArrowUp", BLUE), ("ArrowRight", GREEN), ("ArrowDown", GREEN), ("ArrowLeft", BLUE),
            ("ArrowDown", (9, 9, 9)), ("ArrowRight", (9, 9, 9)),
        )  # fmt: skip
        for key, expected in ways:
            shown.keyboard.press(key)
            assert colour(large) == pytest.approx(expected, abs=12), key
        assert shown.get_by_role("button", name="Next").is_disabled()
        for expected in (GREEN, BLUE, RED):
            shown.get_by_role("button", name="Previous").click()
            assert colour(large) == pytest.approx(expected, abs=12)
        for expected in (BLUE, GREEN):  # also from a button that is disabled by now
            shown.keyboard.press("ArrowRight")
            assert colour(large) == pytest.approx(expected, abs=12)
        shown.keyboard.press("Escape")
        wait_until(shown, "document.activeElement.dataset.label === 'N 2'")

    def test_it_can_be_held_against_what_was_before(self, shown: Page) -> None:
        shown.get_by_role("button", name="Enlarge: N 1").click()
        view, button = (
            shown.locator("dialog .view"),
            shown.get_by_role("button", name="Show before"),
        )
        assert_split(view, 0)
        button.click()
        assert_split(view, 1)
        assert button.get_attribute("aria-pressed") == "true"
        button.click()
        box = view.bounding_box()
        assert box is not None
        shown.mouse.move(box["x"] + 2, box["y"] + 20)
        shown.mouse.down()
        shown.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20)
        shown.mouse.up()
        assert_split(view, 0.4)
        shown.keyboard.press("ArrowRight")  # the neighbour, under the same slider
        assert_split(view, 0.4, GREEN)
        shown.locator("dialog").get_by_role("slider").press("End")
        assert_split(view, 1, GREEN)


class TestLook:
    """Light, dark, narrow."""

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_follows_the_system_until_the_button_is_pressed(self, show: Show, scheme: str) -> None:
        shown = show(render(page(facts())), color_scheme=scheme)
        dark = scheme == "dark"
        assert (pixels(shown)[-1, -1].max() < 60) == dark
        assert (pixels(shown).max() > 200) and (pixels(shown).min() < 60)  # text on it can be read
        shown.locator("button.theme").click()
        assert (pixels(shown)[-1, -1].max() < 60) != dark

    def test_a_phone_shows_it_whole(self, show: Show) -> None:
        long = Facts("Model", {"SHA-256 of the very long name of a file": "0123456789abcdef" * 4})
        html = render(page(comparison(), grid(), long, title="x" * 90 + ".jpg"))
        shown = show(html, viewport={"width": 360, "height": 700})
        assert shown.evaluate("document.documentElement.scrollWidth") == 360
        assert_split(shown.locator("main .view"), 0.5)


class TestSafety:
    """Names of files, which anybody may choose."""

    NAME = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>"

    def test_markup_in_a_name_is_text(self, show: Show) -> None:
        shown = show(
            render(page(comparison(), Facts("Files", {"input": self.NAME}), title=self.NAME))
        )
        assert shown.title() == self.NAME
        assert shown.get_by_role("heading", level=1).inner_text() == self.NAME
        assert shown.locator("td bdi").inner_text() == self.NAME

    def test_even_unescaped_it_would_neither_run_nor_fetch(
        self, show: Show, complaints: list[str]
    ) -> None:
        html = render(page(facts()))
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.2)
            beacon = f"<img src='http://127.0.0.1:{server.getsockname()[1]}/seen.png'>"
            shown = show(html.replace("<main>", f"<main>{self.NAME}{beacon}"))
            assert shown.locator("main > img").count() == 2
            with pytest.raises(TimeoutError):
                server.accept()
        assert shown.title() == "photo.jpg"
        assert shown.locator("button.theme").is_visible()  # our own script ran
        assert any("Content Security Policy" in said for said in complaints)
        complaints.clear()

    def test_other_scripts_and_broken_names_are_shown(self, show: Show) -> None:
        shown = show(render(page(facts(), title="Großmutter 写真 \udcff\x1b.jpg")))
        assert shown.title() == r"Großmutter 写真 \udcff\x1b.jpg"


def test_everything_has_a_name(show: Show) -> None:
    """For those who listen to the page."""
    shown = show(render(page(comparison(), grid(), facts())))
    assert shown.locator("img:not([alt])").count() == 0
    assert shown.get_by_role("slider", name="Face 0").count() == 1
    assert shown.get_by_role("group", name="After").count() == 1
    assert shown.get_by_role("note").inner_text() == "No evidence."
    nameless = """[...document.querySelectorAll("button, input, dialog, .scroll")].filter(
        e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"""
    assert shown.evaluate(nameless) == 0
