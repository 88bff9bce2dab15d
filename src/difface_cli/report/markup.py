"""HTML elements whose text cannot be anything but text."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

Child = Element | str | None


def element(tag: str, *children: Child, **attributes: str | bool) -> Element:
    """An element, read as it will be: `element("p", "See ", element("b", "this"))`.

    Args:
        children: elements or text; None and "" are left out.
        attributes: True stands for a bare one, False for none. Underscores become hyphens
            (`aria_label`), one at the end goes (`class_`).
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not False:
            made.set(name.rstrip("_").replace("_", "-"), "" if value is True else printable(value))
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif child and last is None:
            made.text = (made.text or "") + printable(child)
        elif child and last is not None:
            last.tail = (last.tail or "") + printable(child)
    return made


def html(root: Element) -> str:
    """The element as text, everything that HTML would obey escaped."""
    return tostring(root, encoding="unicode", method="html")


def printable(text: str) -> str:
    """`text` with control characters and bytes that were no UTF-8 shown as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
