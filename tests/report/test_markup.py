"""Whatever stands in text or attributes is read back as just that."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from difface_cli.report.markup import element, html, printable


class Reader(HTMLParser):
    """Takes down what a parser sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.titles: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.text += data


ANYTHING = st.text(st.characters(exclude_categories=()))  # unpaired surrogates too


@given(ANYTHING, ANYTHING, ANYTHING)
def test_text_stays_text(first: str, second: str, title: str) -> None:
    reader = Reader()
    reader.feed(html(element("p", first, element("b", second), second, title=title)))
    reader.close()
    assert reader.tags == ["p", "b"]
    assert reader.text == printable(first) + 2 * printable(second)
    assert reader.titles == [printable(title)]
    assert printable(first).isprintable()
    printable(first).encode()


def test_attributes_and_elements_without_content() -> None:
    image = element("img", alt="", class_="a", aria_hidden="true", hidden=True, id=False)
    assert html(image) == '<img alt="" class="a" aria-hidden="true" hidden="">'
    assert html(element("div", None, "", element("br"), "x")) == "<div><br>x</div>"
