"""One HTML file to look at: pictures before and after, grids of pictures, tables.

`render` fills the templates with a `Page` of plain records (`records`). The file fetches nothing:
style, script and pictures are in it (`pictures` holds its size to a limit), and its content
security policy forbids it to try.
"""

from __future__ import annotations

from difface_cli.report.records import (
    Block,
    Box,
    Cell,
    Choice,
    Comparison,
    Facts,
    Figure,
    Grid,
    Link,
    Picture,
    Plot,
    Row,
    Section,
    Table,
)
from difface_cli.report.records import Page as Page
from difface_cli.report.render import LIMIT, render

__all__ = [
    "LIMIT",
    "Block",
    "Box",
    "Cell",
    "Choice",
    "Comparison",
    "Facts",
    "Figure",
    "Grid",
    "Link",
    "Page",
    "Picture",
    "Plot",
    "Row",
    "Section",
    "Table",
    "render",
]
