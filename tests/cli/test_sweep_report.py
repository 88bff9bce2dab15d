"""`difface sweep-n --report`, run whole with the starter model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from difface_cli.cli.app import build


def test_a_page_of_every_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 340, 260))
    picture.resize((165, 195), Image.Resampling.LANCZOS).save("<i>old.png")
    sweep = "--n 100,200 --seeds 0,1 --steps 2 --device cpu --precision fp32 --report"
    app, _ = build()
    result = CliRunner().invoke(app, ["sweep-n", "<i>old.png", *sweep.split(), "-o", "swept"])
    assert result.exit_code == 0, result.output
    assert "swept/report.html" in result.output
    page = Path("swept/report.html").read_text()
    assert page.count('class="cell"') == 2 + 4 + 2 * 2
    assert "difface apply swept --pick seed=1,n=200" in page
    assert "<i>" not in page
    assert page.count("data:image/webp;base64,") == 1 + 2 + 4 + 2 * 2
    assert page.count("data:image/png;base64,") == 1
    assert not re.search(r"""(src|href)=["']?(?!data:|#|["'])""", page)
